'use strict';

// Reads questions, one JSON object a line, asks each as a user of wechatpay-axios-plugin would, and
// writes one line for each: {"status", "data"} where the answer was accepted, else {"code", "message"}
// of the error, with the status where the gateway refused the question.

const { createInterface } = require('node:readline');
const { Wechatpay, Aes: { AesGcm }, Rsa } = require('wechatpay-axios-plugin');

const styles = {
  chained: (wxpay) => wxpay.v3.palmservice.authorization.openid._openid_,
  declared: (wxpay) => wxpay.chain('v3/palmservice/authorization/openid/{openid}'),
  keyed: (wxpay) => wxpay['v3/palmservice/authorization/openid/{openid}'],
};

function query({ config, style, openid, params, headers }) {
  return styles[style](new Wechatpay(config)).get({ openid, params, headers });
}

function preauthorize({ config, json, headers }) {
  return new Wechatpay(config).v3.palmservice.authorization.preauthorize.post(json, { headers });
}

// The way of its own command `wxpay crt`: decrypt what came, then verify it with what is in it.
// (The command itself, as of 0.9.6, puts the keys where its verifier no longer looks for them.)
async function download({ config, secret, headers }) {
  const found = {};
  const given = { ...config, certs: { any: undefined } };
  const wxpay = new Wechatpay(given);
  const decrypt = (text) => {
    (JSON.parse(text).data || []).forEach(({ serial_no: serial, encrypt_certificate: sealed }) => {
      const { ciphertext, nonce, associated_data: aad } = sealed;
      found[serial] = AesGcm.decrypt(ciphertext, secret, nonce, aad);
      given.certs[serial] = Rsa.from(found[serial], Rsa.KEY_TYPE_PUBLIC);
    });
    return text;
  };
  const transformResponse = [decrypt, ...wxpay.client.v3.defaults.transformResponse];
  const { status } = await wxpay.v3.certificates.get({ transformResponse, headers });
  return { status, data: found };
}

const actions = { query, preauthorize, download };

async function act({ action, ...question }) {
  try {
    const { status, data } = await actions[action](question);
    return { status, data };
  } catch ({ code, message, response }) {
    return { code, message, status: response && response.status };
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await act(JSON.parse(line)))}\n`);
  }
})();
