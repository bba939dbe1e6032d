'use strict';
// A device of another make: Node, its standard library, and docs/reference/protocol.md.
// node client.js FOLDER COMMAND [JSON…] prints what became of it as a line of JSON.

const { Device, Stopped } = require('./device.js');
const { digest } = require('./fold.js');
const evidence = require('./evidence.js');
const { Lost, Refused } = require('./wire.js');

const TRIES = 20;

/** Do it until an answer comes; a lost one costs nothing but another try. */
async function insist(work) {
  for (let lost = 0; ; lost += 1) {
    try {
      return { lost, ...(await work()) };
    } catch (error) {
      if (!(error instanceof Lost) || lost + 1 === TRIES) throw error;
    }
  }
}

const COMMANDS = {
  enrol: (device, text) => insist(() => device.enrol(text)),
  sync: (device) => insist(() => device.sync()),
  send: (device) => insist(() => evidence.send(device)),
  record: (device, op) => device.record(op),
  answer: (device, e, answers) => device.answer(e, answers),
  attach: (device, e, file, mime, fields) => device.attach(e, file, mime, fields),
  sign: (device, e, role, fields) => device.sign(e, role, fields),
  tasks: (device) => device.replica.rows('task'),
  fold: (device, e) => ({ digest: digest(device.state_of(e)), ops: device.ops(e).length }),
  items: (device, e) => Object.fromEntries(device.state_of(e).items),
  status: ({ log, replica, state }) => ({
    log: log.length, acked: state.acked, verdicts: state.verdicts, version: state.version,
    stopped: state.stopped, receipt: state.receipt, revoked: state.revoked,
    buckets: Object.keys(replica.buckets).sort(), files: Object.keys(state.files),
    sites: Object.values(replica.buckets).reduce((n, b) => n + Object.keys(b.sites).length, 0),
  }),
};

async function main([folder, command, ...words]) {
  try {
    const device = new Device(folder);
    const done = await COMMANDS[command](device, ...words.map((word) => JSON.parse(word)));
    console.log(JSON.stringify(done ?? {}));
  } catch (error) {
    if (!(error instanceof Stopped || error instanceof Refused || error instanceof Lost)) throw error;
    console.log(JSON.stringify({ error: error.message, code: error.code }));
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
