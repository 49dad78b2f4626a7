'use strict';

// Asks N questions with wechatpay-axios-plugin, 32 at a time, and writes one JSON object: microseconds
// of this process's CPU and of wall time for each, counted once it is warm. Its arguments come as a
// JSON object on standard input: {"config", "queries", "concurrency", "organizations"}.

const { join } = require('node:path');
const { Wechatpay } = require(join(process.argv[2], 'wechatpay-axios-plugin'));

async function ask(wxpay, { organizations, concurrency }, first, last) {
  let next = first;
  const work = async () => {
    for (let number = next++; number < last; number = next++) {
      const { status } = await wxpay.v3.palmservice.authorization.openid._openid_.get({
        openid: `o${String(number).padStart(27, '0')}`,
        params: { organization_id: organizations[number % organizations.length] },
      });
      if (status !== 200) throw new Error(`status ${status}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

(async () => {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const given = JSON.parse(text);
  const wxpay = new Wechatpay(given.config);
  await ask(wxpay, given, 0, given.warm); // connections, code, caches
  const before = process.cpuUsage();
  const started = process.hrtime.bigint();
  await ask(wxpay, given, given.warm, given.warm + given.queries);
  const wall = Number(process.hrtime.bigint() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(JSON.stringify({ cpu_us: (user + system) / given.queries, wall_us: wall / given.queries }));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
