'use strict';
// A device: its log, its outbox and its exchanges, in a folder of its own.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const bytes = require('./bytes.js');
const { fold, digest } = require('./fold.js');
const { Replica, readEvent } = require('./replica.js');
const { Lost, Refused, ask, askJson, askSigned, refuse } = require('./wire.js');

const VERSIONS = ['2026-11-22', '2026-11-21', 1]; // newest first
const PATIENCE = 20; // exchanges in an older version before the newest is tried again
const started = bytes.newSecret();
const PIECE = 262_144; // bytes of a snapshot at a time

/** The ledger and the log part, or a bucket differs twice: a person must look. */
class Stopped extends Error {}

class Device {
  constructor(folder) {
    this.folder = folder;
    fs.mkdirSync(path.join(folder, 'files'), { recursive: true });
    this.state = this.#read();
    this.replica = new Replica(this.state.device, this.state.replica);
    this.log = this.#lines();
    this.take = 50;
  }

  // -- what is kept ------------------------------------------------------------------------

  #at(...names) {
    return path.join(this.folder, ...names);
  }

  #read() {
    const start = { acked: 0, verdicts: {}, version: VERSIONS[0], patience: 0, files: {} };
    const kept = this.#at('state.json');
    return fs.existsSync(kept) ? JSON.parse(fs.readFileSync(kept, 'utf8')) : start;
  }

  /** Keep everything but the log, all at once or not at all. */
  keep() {
    this.state.replica = this.replica.kept();
    const file = fs.openSync(this.#at('state.new'), 'w');
    fs.writeSync(file, JSON.stringify(this.state));
    fs.fsyncSync(file);
    fs.closeSync(file);
    fs.renameSync(this.#at('state.new'), this.#at('state.json'));
  }

  /** Read the log and its chain; a last line that was cut off was never recorded. */
  #lines() {
    const log = [];
    const kept = this.#at('log.jsonl');
    if (!fs.existsSync(kept)) return log;
    const whole = fs.readFileSync(kept);
    const end = whole.lastIndexOf(10) + 1;
    if (end < whole.length) fs.truncateSync(kept, end);
    let hash = bytes.genesis(this.state.device);
    for (const raw of whole.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      hash = bytes.link(hash, raw);
      log.push({ raw, hash });
    }
    return log;
  }

  /** Give h after operation n, or nothing when the log does not reach so far. */
  hash(n) {
    return n === 0 ? bytes.genesis(this.state.device) : this.log[n - 1]?.hash;
  }

  // -- enrolment ---------------------------------------------------------------------------

  /** Enrol with the text of a QR code. */
  async enrol(text) {
    const code = new URL(text).searchParams;
    const server = code.get('s');
    this.state.secret ??= bytes.newSecret();
    this.keep(); // before asking: a lost answer must find the same key
    const own = bytes.publicKey(this.state.secret);
    const question = { code: code.get('c'), public_key: own, label: 'plain JavaScript' };
    const told = await askJson(server, '/device/enrol', question);
    const { device, public_key: mine, inspector, seal_key: seal, server_key: key, sig } = told;
    const print = bytes.sha256(Buffer.from(key, 'hex')).slice(0, 32);
    const said = `evenhand-enrolled/1\n${device}\n${mine}\n${inspector}\n${seal}`;
    if (print !== code.get('k') || mine !== own || !bytes.verify(key, said, sig))
      throw new Stopped('this is not the server that the code names');
    Object.assign(this.state, { server, device, inspector, server_key: key, seal_key: seal });
    this.replica = new Replica(device);
    this.keep();
  }

  // -- recording ---------------------------------------------------------------------------

  /** Record an operation; it is durable when this returns. */
  record({ t, e, ...fields }) {
    const n = this.log.length + 1;
    const raw = JSON.stringify({ t, n, e, ...clock(), ...fields });
    const file = fs.openSync(this.#at('log.jsonl'), 'a');
    fs.writeSync(file, `${raw}\n`);
    fs.fsyncSync(file);
    fs.closeSync(file);
    this.log.push({ raw, hash: bytes.link(this.hash(n - 1), raw) });
    return `${this.state.device}:${n}`;
  }

  /** Answer items; what stands of others and was seen is replaced. */
  answer(e, answers) {
    const { items } = this.state_of(e);
    const s = {};
    for (const ref of Object.keys(answers)) {
      const seen = items.get(ref)?.standing ?? [];
      if (seen.length) s[ref] = seen.map(({ op }) => op);
    }
    return this.record({ t: 'answers.set/2', e, f: answers, s });
  }

  /** Attach a file: a copy is kept until the server has it. */
  attach(e, file, mime, fields = {}) {
    const body = fs.readFileSync(file);
    const blob = bytes.sha256(body);
    fs.writeFileSync(this.#at('files', blob), body);
    this.state.files[blob] = mime;
    this.keep();
    return this.record({ t: 'evidence.add/2', e, blob, size: body.length, mime, ...fields });
  }

  /** Sign all that is known of an inspection. */
  sign(e, role, fields = {}) {
    const ops = this.ops(e).filter(({ raw }) => !JSON.parse(raw).t.startsWith('sign/'));
    const covers = {};
    for (const { id } of ops) {
      const [device, n] = id.split(':');
      (covers[device] ??= []).push(Number(n));
    }
    for (const device of Object.keys(covers)) covers[device] = ranges(covers[device]);
    const state = fold(ops);
    const blobs = state.evidence.map(({ blob }) => blob);
    const earlier = this.state_of(e).signatures.filter(
      (one) => one.role === role && !one.amended_by.length);
    const s = earlier.map(({ op }) => op);
    return this.record({
      t: 'sign/2', e, role, covers, blobs: [...new Set(blobs)].sort(), digest: digest(state),
      ...(s.length ? { s } : {}), ...fields,
    });
  }

  // -- what is known -----------------------------------------------------------------------

  #own() {
    return this.log.map(({ raw, hash }, at) => ({
      id: `${this.state.device}:${at + 1}`, n: at + 1, hash, raw, who: this.state.inspector,
      e: JSON.parse(raw).e,
    }));
  }

  #counts(n) {
    return !['parked', 'quarantined'].includes(this.state.verdicts[n]?.d);
  }

  /** Give the operations of an inspection that count, those of this device at once. */
  ops(e) {
    const own = this.#own().filter((one) => one.e === e && this.#counts(one.n));
    return [...own, ...this.replica.others(e)];
  }

  state_of(e) {
    return fold(this.ops(e));
  }

  // -- the exchange ------------------------------------------------------------------------

  /** Push and pull until nothing is left of either. */
  async sync() {
    const struck = new Set();
    for (;;) {
      if (this.state.stopped) throw new Stopped(this.state.stopped);
      let more;
      try {
        more = await this.#exchange(struck);
      } catch (error) {
        this.take = Math.max(1, this.take >> 1);
        if (!(error instanceof Refused) || !this.#after(error)) throw error;
        more = true;
      }
      if (!more && this.state.acked === this.log.length) return;
    }
  }

  /** Do what a refusal asks for; say whether to ask again at once. */
  #after({ code, details }) {
    if (code === 'sync.version') {
      const spoken = details.spoken.split(' ');
      const ours = VERSIONS.find((one) => spoken.includes(String(one)));
      if (ours === undefined || ours === this.state.version) return false;
      Object.assign(this.state, { version: ours, patience: PATIENCE });
    } else if (code === 'sync.gap') {
      if (Number(details.head_n) >= this.state.acked) return false;
      this.state.acked = Number(details.head_n);
    } else if (code === 'sync.fork') {
      this.#stop('fork');
    } else {
      return false;
    }
    this.keep();
    return true;
  }

  #stop(why) {
    this.state.stopped = why;
    this.keep();
    throw new Stopped(why);
  }

  #question() {
    const { acked, device, version } = this.state;
    const ops = this.log.slice(acked, acked + this.take);
    const pull = this.replica.question(500);
    if (version === 1) {
      delete pull.part;
      delete pull.packs;
      delete pull.told;
    }
    const first = {
      v: version, dev: device, from: acked + 1, count: ops.length, prev: this.hash(acked),
      head: this.hash(acked + ops.length), clock: clock(), pull,
    };
    return Buffer.from([JSON.stringify(first), ...ops.map(({ raw }) => raw)].join('\n'));
  }

  async #exchange(struck) {
    const from = this.state.acked + 1;
    const lines = await askSigned(this.state, '/sync/v1', this.#question());
    const first = JSON.parse(lines[0]);
    const events = lines.slice(1, -1).map(readEvent);
    const end = ending(lines.at(-1));
    if (first.v !== this.state.version) throw new Lost('answered in another version');
    const packed = await this.#snapshots(events, first.upload);
    this.#acknowledge(from, first);
    for (const event of events) this.#apply(event, packed);
    const told = [first.receipt.ledger, first.receipt.root];
    Object.assign(this.replica, { epoch: first.epoch, seq: end.next, told });
    const anew = events.some(({ t, reads }) => t === 'reset' && !reads); // push all, then compare
    const more = end.more || anew || this.#agree(end.check, struck);
    this.#age();
    this.take = Math.min(500, this.take * 2);
    this.keep();
    if (this.state.revoked && this.state.acked === this.log.length) this.#wipe();
    return more;
  }

  #acknowledge(from, { ack, except, receipt, upload, revoked, durable = 0 }) {
    if (this.hash(ack.n) !== ack.h) this.#stop('fork'); // or a log that ends before
    const { ledger, root, sig } = receipt;
    const text = bytes.receiptText(this.state.device, ack.n, ack.h, ledger, root);
    if (!bytes.verify(this.state.server_key, text, sig)) this.#stop('receipt');
    for (let n = from; n <= ack.n; n += 1) delete this.state.verdicts[n];
    for (const { d, why, n, ops = [[n, n]] } of except)
      for (const [first, last] of ops)
        for (let one = first; one <= last; one += 1)
          if (this.#counts(one)) this.state.verdicts[one] = { d, why };
    const acked = Math.max(this.state.acked, ack.n);
    Object.assign(this.state, { acked, receipt, upload, revoked, durable });
  }

  #apply(event, packed) {
    if (event.t === 'reset' && !event.reads) Object.assign(this.state, { acked: 0, verdicts: {} });
    if (event.ruled && event.id.startsWith(`${this.state.device}:`)) delete this.state.verdicts[Number(event.id.split(':')[1])];
    this.replica.apply(event);
    if (event.snapshot) for (const one of packed.get(event.snapshot)) this.replica.apply(one);
  }

  /** Forget the log, the key and what was read; files that were not sent stay. */
  #wipe() {
    fs.rmSync(this.#at('log.jsonl'), { force: true });
    this.log = [];
    this.replica = new Replica(this.state.device);
    this.state = { files: this.state.files };
    this.#stop('revoked');
  }

  /** Compare checksums; a bucket that differs once is asked for again, twice is an alarm. */
  #agree(check, struck) {
    const own = this.#own().filter(({ n }) => n <= this.state.acked && this.#counts(n));
    const wrong = this.replica.differing(check, own);
    if (wrong.some((bucket) => struck.has(bucket))) this.#stop(`checksum of ${wrong}`);
    for (const bucket of wrong) {
      struck.add(bucket);
      this.replica.forget(bucket);
    }
    return wrong.length > 0;
  }

  /** Count the exchanges in an older version, then try the newest again. */
  #age() {
    if (this.state.patience > 0) this.state.patience -= 1;
    if (this.state.patience === 0) [this.state.version] = VERSIONS;
  }

  /** Fetch the snapshots that events name, going on where a piece ended. */
  async #snapshots(events, token) {
    const packed = new Map();
    for (const { snapshot, size } of events.filter((event) => event.snapshot)) {
      const kept = this.#at('files', `snapshot-${snapshot}`);
      for (;;) {
        const at = fs.existsSync(kept) ? fs.statSync(kept).size : 0;
        if (at >= size) break;
        const last = Math.min(at + PIECE, size) - 1;
        const headers = {
          Authorization: `Bearer ${token}`, Range: `bytes=${at}-${last}`,
          'Accept-Encoding': 'identity',
        };
        const answer = await ask(this.state.server, 'GET', `/sync/v1/snapshots/${snapshot}`, headers);
        if (answer.status !== 206 && answer.status !== 200) refuse(answer);
        fs.appendFileSync(kept, answer.body);
      }
      const whole = fs.readFileSync(kept);
      fs.rmSync(kept);
      if (bytes.sha256(whole) !== snapshot) throw new Lost('a snapshot is not what it is called');
      const lines = zlib.gunzipSync(whole).toString('utf8').trimEnd().split('\n');
      packed.set(snapshot, lines.map(readEvent));
    }
    return packed;
  }
}

/** Read the last line; sums go up to 2 to the 60th, which JSON.parse would round. */
function ending(line) {
  return JSON.parse(line.replace(/\[(\d+),(\d+)\]/g, '[$1,"$2"]'));
}

/** Give the three clocks; what this one counts from is told by the system, where it is. */
function clock() {
  const boot = '/proc/sys/kernel/random/boot_id';
  return {
    w: Date.now(), m: Number(process.hrtime.bigint() / 1_000_000n),
    boot: fs.existsSync(boot) ? fs.readFileSync(boot, 'utf8').trim() : started,
  };
}

function ranges(numbers) {
  const out = [];
  for (const n of numbers.sort((a, b) => a - b)) {
    if (out.length && out.at(-1)[1] === n - 1) out.at(-1)[1] = n;
    else out.push([n, n]);
  }
  return out;
}

module.exports = { Device, Stopped };
