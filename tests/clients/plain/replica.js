'use strict';
// What a device keeps of what it is told: buckets of rows, operations and establishments.

const { checksum } = require('./bytes.js');

const SITE = ['name', 'address', 'category', 'division', 'risk', 'status', 'licences'];
const empty = () => ({ whole: false, rows: {}, ops: {}, sites: {} });
const key = (kind, id) => `${kind}|${id}`;

/** Read the line of an event; the operation in it stays the text that it is. */
function readEvent(line) {
  const event = JSON.parse(line);
  if (event.t === 'op') [, event.raw] = /"raw":(.*?)(?:,"ruled":true)?\}$/.exec(line);
  return event;
}

class Replica {
  /** Begin with what was kept, or with nothing; leave out the device's own operations. */
  constructor(device, kept = {}) {
    this.device = device;
    this.epoch = kept.epoch ?? '';
    this.seq = kept.seq ?? 0;
    this.buckets = kept.buckets ?? {};
    this.part = kept.part ?? {};
    this.told = kept.told; // [position, root] of the ledger beside the last page
  }

  kept() {
    const { epoch, seq, buckets, part, told } = this;
    return { epoch, seq, buckets, part, told };
  }

  /** Say where this replica stands, as `pull` wants it. */
  question(limit) {
    const have = Object.keys(this.buckets).filter((b) => this.buckets[b].whole).sort();
    const { epoch, seq, part, told } = this;
    return { epoch, seq, have, limit, part, packs: true, ...(told ? { told } : {}) };
  }

  apply(event) {
    const { t, b } = event;
    if (t === 'reset') Object.assign(this, { epoch: '', seq: 0, buckets: {}, part: {} });
    else if (t === 'drop') this.forget(b);
    else if (t === 'boot') this.#boot(b);
    else if (t === 'part') this.#part(event);
    else if (t === 'put') this.#of(b).rows[key(event.kind, event.id)] = event;
    else if (t === 'del') delete this.#of(b).rows[key(event.kind, event.id)];
    else if (t === 'sites') this.#sites(event);
    else if (t === 'op') this.#op(event);
  }

  forget(bucket) {
    delete this.buckets[bucket];
    delete this.part[bucket];
  }

  #of(bucket) {
    return (this.buckets[bucket] ??= empty());
  }

  #boot(bucket) {
    this.forget(bucket);
    this.#of(bucket).whole = true;
  }

  #part({ b, after, since, whole }) {
    this.#of(b).whole = Boolean(whole);
    if (whole) delete this.part[b];
    else this.part[b] = [after, since];
  }

  #sites({ b, code, gone = [], ...columns }) {
    const { sites } = this.#of(b);
    for (const one of gone) delete sites[one];
    (code ?? []).forEach((one, at) => {
      sites[one] = SITE.map((column) => columns[column][at]);
    });
  }

  #op({ b, id, h, who, raw }) {
    if (!id.startsWith(`${this.device}:`)) this.#of(b).ops[id] = { id, hash: h, who, raw };
  }

  /** Name the buckets held that differ from what the server says of them, with the own operations. */
  differing(check, own) {
    const held = Object.keys(this.buckets).filter((b) => this.buckets[b].whole);
    return held.filter((b) => {
      const { rows, ops, sites } = this.buckets[b];
      const [count, sum] = checksum([
        ...Object.values(rows).map(({ kind, id, rev }) => [kind, id, rev]),
        ...Object.values(ops).map(({ id, hash }) => ['op', id, hash]),
        ...own.filter(({ e }) => b === `i:${e}`).map(({ id, hash }) => ['op', id, hash]),
        ...Object.entries(sites).map(([code, fields]) => ['site', code, fields.join('\u001f')]),
      ]);
      return !check[b] || count !== Number(check[b][0]) || sum !== BigInt(check[b][1]);
    });
  }

  /** Give the operations of others in an inspection. */
  others(inspection) {
    return Object.values(this.buckets[`i:${inspection}`]?.ops ?? {});
  }

  /** Give what rows of a kind say, with their bucket. */
  rows(kind) {
    return Object.entries(this.buckets).flatMap(([bucket, { rows }]) =>
      Object.values(rows).filter((row) => row.kind === kind).map(({ d }) => ({ bucket, ...d })));
  }
}

module.exports = { Replica, readEvent };
