'use strict';
// The section "The fold" of docs/reference/protocol.md: from operations to a state.
// As a program: a line of JSON with operations in, a digest out.

const { byCodePoint, canonical, sha256 } = require('./bytes.js');

const EMPTY = { certificates: [], retest: false };
const PARTICULARS = {
  'inspection.open/1': [
    'name', 'address', 'category', 'division', 'reason', 'checklist', 'code', 'second',
    'certificate', 'longitude', 'latitude', 'datum',
  ],
  'arrive/1': [
    'how', 'code', 'approval', 'certificates', 'longitude', 'latitude', 'datum', 'accuracy',
  ],
  'sample.take/1': [
    'number', 'of', 'what', 'quantity', 'unit', 'batch', 'producer', 'place', 'item',
  ],
  'sample.test/1': [
    'sample', 'test', 'method', 'instrument', 'result', 'unit', 'limit', 'verdict', 'retest',
  ],
  'sample.dispose/1': ['sample', 'disposal'],
  'goods.seize/1': ['what', 'quantity', 'unit', 'measure', 'owner', 'place', 'number'],
  'lot.weigh/1': ['what', 'nominal', 'unit', 'lot', 'contents', 'item'],
};
const TOLD = ['kind', 'unit', 'instrument', 'probe', 'limit', 'rows'];
const same = (a, b) => a.v === b.v && canonical(a.rows ?? []) === canonical(b.rows ?? []);

/** Fold operations {id, hash, who, raw}, in any order and with any repeats. */
function fold(recorded) {
  const { ops, means } = acts(recorded);
  const signatures = ops.filter((one) => one.op.t.startsWith('sign/'));
  const others = ops.filter((one) => !one.op.t.startsWith('sign/'));
  const sealed = ['lead', 'second'].every((role) => signatures.some((s) => s.op.role === role));
  const covered = new Set(
    recorded.filter((r) => signatures.some((s) => covers(s.op, r.id))).map((r) => means(r.id)),
  );
  const applied = others.filter((one) => !sealed || covered.has(one.id));
  const late = others.filter((one) => !applied.includes(one)).map((one) => one.id);
  const carried = carries(applied, means);
  const state = {
    items: items(applied, means, carried),
    findings: kept(applied, means, 'finding.add/', (op) => ({
      text: op.text, basis: op.basis, item: op.item ?? '',
      ...some(op, ['violation', 'catalogue', 'fixed', 'repeats']),
    })),
    evidence: kept(applied, means, 'evidence.add/', (op) => ({
      blob: op.blob, size: op.size, mime: op.mime, item: op.item ?? '', caption: op.caption ?? '',
      ...some(op, ['of', 'role']),
    })),
    signatures: signatures.map(({ id, who, op }) => ({
      op: id, who, role: op.role, name: op.name ?? '', digest: op.digest, reason: op.reason ?? '',
      amended_by: signatures
        .flatMap((s) => (s.op.s ?? []).filter((named) => means(named) === id).map(() => s.id))
        .sort(byCodePoint),
      ...(op.t === 'sign/1' ? {} : some(op, ['strokes', 'refused', 'witness'])),
    })),
    late: late.sort(byCodePoint),
  };
  if (carried) state.carried = carried;
  return Object.assign(state, particulars(applied, means));
}

/** Give those of some fields that an operation says something in. */
function some(op, names) {
  const said = names.filter((name) => (Array.isArray(op[name]) ? op[name].length : op[name]));
  return Object.fromEntries(said.map((name) => [name, op[name]]));
}

/** Openings, arrivals, samples, seizures and lots; of a list that would be empty nothing is said. */
function particulars(applied, means) {
  const all = (kind) =>
    kept(applied, means, kind, (op) => Object.fromEntries(
      PARTICULARS[kind].map((name) => [name, op[name] ?? EMPTY[name] ?? ''])));
  const under = (ones, name) => ones.filter(({ sample }) => means(sample) === name);
  const tests = all('sample.test/1').map((one) => ({ ...one, sample: means(one.sample) }));
  const disposals = all('sample.dispose/1').map((one) => ({ ...one, sample: means(one.sample) }));
  const samples = all('sample.take/1').map((one) => ({
    ...one, tests: under(tests, one.op), disposals: under(disposals, one.op),
  }));
  const lost = (ones) => ones.filter((one) => !samples.some(({ op }) => op === one.sample));
  const astray = { tests: lost(tests), disposals: lost(disposals) };
  const found = {
    openings: all('inspection.open/1'), arrivals: all('arrive/1'), samples,
    seizures: all('goods.seize/1'), lots: all('lot.weigh/1'),
  };
  const told = Object.entries(found).filter(([, ones]) => ones.length);
  if (astray.tests.length + astray.disposals.length) told.push(['astray', astray]);
  return Object.fromEntries(told);
}

const digest = (state) => sha256(canonical(state));

function covers(op, id) {
  const [device, n] = [id.slice(0, id.lastIndexOf(':')), Number(id.slice(id.lastIndexOf(':') + 1))];
  const ranges = Object.hasOwn(op.covers, device) ? op.covers[device] : [];
  return ranges.some(([first, last]) => first <= n && n <= last);
}

/** Sort, leave out repeats, and count every act once (rule 1). */
function acts(recorded) {
  const ops = [...new Map(recorded.map((one) => [one.id, one])).values()]
    .map((one) => ({ ...one, op: JSON.parse(one.raw) }))
    .sort((a, b) => byCodePoint(a.hash, b.hash) || byCodePoint(a.id, b.id));
  const originals = new Map(ops.map((one) => [`${one.who}|${one.hash}`, one]));
  const firsts = new Map();
  const names = new Map();
  for (const one of ops.filter(({ op }) => op.orig)) {
    const act = `${one.who}|${one.op.orig}`;
    if (!firsts.has(act)) firsts.set(act, one);
    const counts = originals.get(act) ?? firsts.get(act);
    if (counts !== one) names.set(one.id, counts.id);
  }
  return { ops: ops.filter((one) => !names.has(one.id)), means: (id) => names.get(id) ?? id };
}

/** Leave what is not replaced; when nothing is left, leave all. */
function standing(ones, replacedBy) {
  const left = ones.filter((one) => !replacedBy(one));
  return left.length ? left : ones;
}

function carries(applied, means) {
  const all = applied.filter((one) => one.op.t === 'checklist.carry/1');
  if (!all.length) return null;
  const left = standing(all, (one) =>
    all.some((o) => (o.op.s ?? []).some((named) => means(named) === one.id)));
  const { to } = left[0].op;
  const order = [...left.filter((o) => o.op.to === to), ...left.filter((o) => o.op.to !== to)];
  return {
    to,
    standing: order.map(({ id, who, op }) => ({ op: id, who, to: op.to, again: op.again ?? {} })),
  };
}

function items(applied, means, carried) {
  const sets = applied.filter((one) => one.op.t.startsWith('answers.set/'));
  const refs = new Set(sets.flatMap((one) => Object.keys(one.op.f)));
  const again = carried ? carried.standing[0].again : {};
  const found = new Map();
  for (const ref of refs) {
    const holds = (one) =>
      !Object.hasOwn(again, ref) || again[ref].includes(one.op.under ?? '');
    const all = sets.filter((one) => Object.hasOwn(one.op.f, ref));
    const held = all.filter(holds);
    const names = (one) => (one.op.s && Object.hasOwn(one.op.s, ref) ? one.op.s[ref] : []);
    const left = standing(held, (one) =>
      held.some((o) => names(o).some((named) => means(named) === one.id)));
    found.set(ref, item(ref, left, held, all.filter((one) => !holds(one))));
  }
  return found;
}

function item(ref, left, held, gone) {
  const said = (one) => one.op.f[ref];
  const first = left.length ? said(left[0]) : null;
  const agrees = (one) => same(said(one), first);
  const order = [...left.filter(agrees), ...left.filter((one) => !agrees(one))];
  const replaced = held.filter((one) => !left.includes(one) && !agrees(one));
  return {
    value: first ? first.v : '',
    standing: order.map((one) => told(one, said(one))),
    overruled: [...replaced, ...gone].map((one) => told(one, said(one))),
  };
}

/** Tell who answered, and of an answer with a kind what else it tells. */
function told({ id, who }, answer) {
  const out = { op: id, who, v: answer.v, note: answer.note ?? '' };
  if (answer.kind)
    for (const key of TOLD) if (answer[key]?.length) out[key] = answer[key];
  return out;
}

function kept(applied, means, kind, fields) {
  const voids = applied.filter((one) => one.op.t === 'void/1');
  return applied.filter((one) => one.op.t.startsWith(kind)).map(({ id, who, op }) => {
    const by = voids.find((one) => means(one.op.target) === id);
    return { op: id, who, ...fields(op), voided: by ? by.op.reason : '' };
  });
}

module.exports = { covers, digest, fold };

if (require.main === module) {
  const lines = require('node:fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
  for (const line of lines) console.log(digest(fold(JSON.parse(line))));
}
