
// The golden vectors against web/verify.js, appended to it: in Node and in Chromium alike.
export async function check(draw, kept) {
  const wrong = [];
  let checked = 0;
  const same = (what, one, other) => {
    checked += 1;
    if (canonical(one) !== canonical(other)) wrong.push(what);
  };
  for (const one of draw.tickets) same(`ticket ${one.id}`, await ticket(one.seed, one.id), one.ticket);
  const rows = draw.seed.text.split("\n").slice(1, -1).map((row) => /^(\w+) (.*)=(.*)$/.exec(row));
  const values = (kind) => Object.fromEntries(rows.filter((row) => row[1] === kind).map((row) => [row[2], row[3]]));
  const seeds = await seedsOf(draw.seed.commit_hash, draw.seed.task, values("source"), values("nonce"));
  same("seeds", seeds, { commit: draw.seed.commit_hash, text: draw.seed.text, ...draw.seed.seeds });
  for (const [n, root] of draw.tree.roots.entries()) {
    same(`root of ${n}`, await rootOf(await levels(draw.tree.lines.slice(0, n))), root);
  }
  const tree = await levels(draw.tree.lines);
  for (const one of draw.tree.inclusion) same(`path of ${one.index}`, pathOf(tree, one.index), one.path);
  const { known } = kept;
  const counts = Object.fromEntries(Object.entries(known.eligible).map(([name, E]) => [name, { E, X: 0 }]));
  for (const [rounding, task] of Object.entries(known.tasks)) {
    const shares = await sharesOf(task, counts, known.rounding_seed);
    const found = Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share.primary]));
    same(rounding, found, known.primary[rounding]);
  }
  for (const [name, ids] of Object.entries(known.weighted)) {
    const entries = [];
    for (const [id, stratum, weight, status] of known.lines.map((line) => line.split("\t"))) {
      if (stratum === name && status === "E") entries.push({ id, weight, ticket: await ticket(known.objects_seed, id) });
    }
    same(`weighted ${name}`, ranked(entries, ids.length, true).slice(0, ids.length).map((one) => one.id), ids);
  }
  for (const [kind, whole] of Object.entries(kept.bundles)) {
    const read = async (name) => {
      if (name in whole.packed) return Uint8Array.from(atob(whole.packed[name]), (c) => c.charCodeAt(0));
      return name === "recusal.tsv" ? null : bytes(whole.files[name]);
    };
    const { steps } = await verify(read, whole.commitment);
    for (const step of steps) same(`${kind}: ${step.name}: ${step.en}`, step.ok !== false && (step.ok ?? step.name), step.ok ?? "assignment");
  }
  return { wrong, checked };
}
