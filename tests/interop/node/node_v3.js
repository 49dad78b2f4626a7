'use strict';

// Reads questions, one JSON object a line, asks each as a user of wechatpay-node-v3 would, and writes
// one line for each: {"status", "data", "serialNo"} where the answer was accepted, else {"message"} of
// the error, with the status where the gateway refused the question.

const { createInterface } = require('node:readline');
const superagent = require('superagent');
const Pay = require('wechatpay-node-v3');

const WECHAT_PAY = 'https://api.mch.weixin.qq.com';

// The client knows but one address, and gives neither the headers nor the text of an answer to who
// wants to verify it. Its documentation has createHttp for such needs.
class Service {
  constructor(baseURL) {
    this.baseURL = baseURL;
  }

  async get(url, headers) {
    const found = await superagent.get(url.replace(WECHAT_PAY, this.baseURL)).set(headers).ok(() => true);
    return { status: found.status, data: found.body, text: found.text, headers: found.headers };
  }
}

async function query({ config, path, serial }) {
  const pay = new Pay({ appid: 'wx', ...config });
  const service = new Service(config.baseURL);
  pay.createHttp(service);
  Pay.certificates = { ...config.publicKeys }; // a static member; here each question is of a new user
  const headers = pay.getHeaders(
    pay.buildAuthorization('GET', path),
    serial ? { 'Wechatpay-Serial': serial } : {},
  );
  const { status, data, text, headers: found } = await service.get(WECHAT_PAY + path, headers);
  if (status !== 200) return { status, message: data.code };
  const isVerified = await pay.verifySign({
    timestamp: found['wechatpay-timestamp'],
    nonce: found['wechatpay-nonce'],
    serial: found['wechatpay-serial'],
    signature: found['wechatpay-signature'],
    body: text,
  });
  return isVerified ? { status, data, serialNo: pay.serial_no } : { message: 'not verified' };
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await query(JSON.parse(line)).catch(({ message }) => ({ message }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
})();
