// 复核: recompute a published draw in the visitor's own browser, from its files alone.
// docs/reference/bundle.md says what the files are. Nothing is loaded but these files, nothing sent.
const UTF8 = new TextEncoder();
const ZEROS = "0".repeat(64);
const WHOLE = 1n << 256n;
const AUDITORS = ["recusal.tsv", "grounds.ndjson"]; // whose content is not public

class Open extends Error {} // not refuted, but not proved by these files either
function must(true_, en, zh) {
  if (!true_) throw Object.assign(new Error(en), { zh });
}

// -- bytes ----------------------------------------------------------------------------------------
const bytes = (text) => (typeof text === "string" ? UTF8.encode(text) : text);
const words = (data) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
const hex = (data) => Array.from(new Uint8Array(data), (b) => b.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));

const digest = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(data)));
export const sha256 = async (data) => hex(await digest(data));

async function hmac(key, data) {
  const use = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", use, bytes(data)));
}

const joined = (...parts) => Uint8Array.from(parts.flatMap((one) => [...one]));

function byBytes(one, two) {
  const [a, b] = [bytes(one), bytes(two)];
  for (let n = 0; n < Math.min(a.length, b.length); n++) if (a[n] !== b[n]) return a[n] - b[n];
  return a.length - b.length;
}

// Canonical JSON: sorted ASCII keys, no spaces, no floats, no nulls.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const whole = typeof value !== "number" || Number.isSafeInteger(value);
  must(value !== null && whole, "JSON with a null or a float.", "JSON 含有空值或小数。");
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function json(data) {
  const value = JSON.parse(words(data));
  must(canonical(value) === words(data), "JSON is not in its one form.", "JSON 不是规范形式。");
  return value;
}

function table(data, fields) {
  const lines = words(data).split("\n");
  must(lines.pop() === "", "The last line has no end.", "末行无换行符。");
  const rows = lines.map((line) => line.split("\t"));
  must(rows.every((row) => row.length === fields), "A line has other fields.", "字段数不符。");
  return rows;
}

async function unpacked(data) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// -- the tree of RFC 6962 -------------------------------------------------------------------------
export async function levels(lines) {
  let level = [];
  for (const line of lines) level.push(await digest(joined(Uint8Array.of(0), bytes(line))));
  const tree = [level];
  while (level.length > 1) {
    const above = [];
    for (let n = 0; n + 1 < level.length; n += 2) {
      above.push(await digest(joined(Uint8Array.of(1), level[n], level[n + 1])));
    }
    if (level.length % 2) above.push(level[level.length - 1]); // promoted
    tree.push((level = above));
  }
  return tree;
}

export const rootOf = async (tree) => hex(tree[tree.length - 1][0] ?? (await digest("")));

export const pathOf = (tree, index) =>
  tree.slice(0, -1).map((level, n) => level[(index >> n) ^ 1]).filter(Boolean).map(hex);

// -- seed and tickets -----------------------------------------------------------------------------
export async function seedsOf(commitHash, taskId, sources, nonces) {
  const rows = (kind, values) =>
    Object.keys(values).sort(byBytes).map((name) => `${kind} ${name}=${values[name]}\n`).join("");
  const text = `sjdraw/1 seed\n${rows("source", sources)}${rows("nonce", nonces)}`;
  const root = await hmac(unhex(commitHash), text);
  const seeds = { commit: commitHash, text, root: hex(root) };
  for (const part of ["objects", "inspectors", "rounding"]) {
    seeds[part] = hex(await hmac(root, `${part}|${taskId}`));
  }
  return seeds;
}

export const ticket = (seed, id) => sha256(`${seed}|${id}`);

// -- a line of the frame: stratum, weight and reason follow from its own columns and the task ------
const REASONS = {
  X01: "not-active suspended revoked cancelled moved merged", X02: "annual-cap", X03: "superior named", X04: "named",
  X05: "key-object named", X06: "not-of-category not-of-risk not-of-credit not-of-credit-class not-of-product not-key",
  X07: "named", X08: "drawn campaign cycle", X09: "named",
};
const escaped = (value) =>
  Array.from(bytes(value), (b) => (b > 31 && b < 127 && b !== 0x25 && b !== 0x2f ? String.fromCharCode(b)
    : `%${b.toString(16).toUpperCase().padStart(2, "0")}`)).join("");
const dimensionsOf = (task) => (task.strata === "single" ? [] : task.strata);
const valueOf = (name, traits) =>
  (name.startsWith("division:") ? traits.region.slice(0, Number(name.slice(9))) : traits[name]) || "none";

export function traitsOf(task, [, , , , , region, category, risk, ...more]) {
  return { region, category, risk, ...Object.fromEntries((task.columns ?? []).map((name, n) => [name, more[n]])) };
}

export const stratumOf = (task, traits) =>
  dimensionsOf(task).map((name) => escaped(valueOf(name, traits))).join("/") || "all";

export function weightOf(task, traits) {
  const declared = (task.weights ?? []).filter((one) => one.values.includes(valueOf(one.by, traits)));
  return declared.reduce((weight, one) => weight * BigInt(one.weight), BigInt(traits.size || 1)).toString();
}

// Why an object is not one of this plan, by what its line says; empty if it is.
export function unwanted(task, traits) {
  const scope = task.scope ?? {};
  const outside = (wanted, value) => wanted?.length > 0 && !wanted.includes(value);
  if (!["", traits.category].includes(task.category) || outside(scope.categories, traits.category)) return "X06-not-of-category";
  if (outside(scope.risks, traits.risk)) return "X06-not-of-risk";
  if (outside(scope.credit, traits.credit || "none")) return "X06-not-of-credit";
  if (outside(scope.credit_classes, traits.credit_class || "none")) return "X06-not-of-credit-class";
  if (scope.products?.length && !traits.product) return "X06-not-of-product";
  if (scope.key === "only" && !traits.key) return "X06-not-key";
  return scope.key === "elsewhere" && traits.key ? "X05-key-object" : "";
}

// Whether the task has the rule by which a line is excluded, and the columns do not refute it.
function grounded(task, stratum, reason, wrong) {
  const [code, rules, turns] = [reason.slice(0, 3), task.exclusion ?? {}, quotaOf(task, stratum).visits];
  if (!REASONS[code]?.split(" ").includes(reason.slice(4)) || reason[3] !== "-") return false;
  if (code === "X01") return true; // the object itself comes before the plan
  if (wrong || code === "X06" || reason === "X05-key-object") return reason === wrong;
  const declared = {
    "X02-annual-cap": rules.annual_cap, "X03-superior": rules.superior_months, "X08-drawn": rules.window_days,
    "X08-campaign": task.campaign && !turns, "X08-cycle": task.campaign && turns,
  };
  return reason in declared ? Boolean(declared[reason]) : true; // a named decision
}

// What is wrong with a line, in English and Chinese; nothing if it holds.
export function refuted(task, row) {
  const [, stratum, weight, status, reason] = row;
  const traits = traitsOf(task, row);
  if (!traits.region.startsWith(task.division)) return ["is of another division", "不属本辖区"];
  if (traits.size && !/^[1-9][0-9]*$/.test(traits.size)) return ["has a size that is no number", "规模不是整数"];
  if (stratum !== stratumOf(task, traits)) return [`belongs to stratum ${stratumOf(task, traits)}`, `应属 ${stratumOf(task, traits)} 层`];
  if (weight !== weightOf(task, traits)) return [`has weight ${weightOf(task, traits)}`, `权重应为 ${weightOf(task, traits)}`];
  const plain = !task.columns?.length; // a frame from before there was evidence
  const wrong = plain && status === "X" ? "" : unwanted(task, traits);
  if (status === "E" && !reason && !traits.evidence) return wrong ? [`can be drawn although ${wrong}`, `不应参加抽取：${wrong}`] : null;
  const holds = plain ? reason.slice(0, 3) in REASONS : Boolean(traits.evidence) && grounded(task, stratum, reason, wrong);
  return status === "X" && holds ? null : [`is excluded by ${reason || "nothing"}, which does not hold`, `排除理由 ${reason} 不成立`];
}

// -- quotas: fractions of whole numbers, never floats ---------------------------------------------
const big = (num, den = 1) => ({ num: BigInt(num), den: BigInt(den) });
const plus = (a, b) => ({ num: a.num * b.den + b.num * a.den, den: a.den * b.den });
const less = (a, b) => a.num * b.den < b.num * a.den;
const times = (a, b) => ({ num: a.num * b.num, den: a.den * b.den });
const minus = (a, b) => plus(a, { num: -b.num, den: b.den });
const over = (a, b) => times(a, { num: b.den, den: b.num });
const floor = (a) => a.num / a.den; // none is negative
const ceil = (a) => (a.num + a.den - 1n) / a.den;
const sum = (all) => all.reduce(plus, big(0));

function quotaOf(task, stratum) {
  const values = stratum.split("/").map(decodeURIComponent);
  const fits = (quota) =>
    Object.entries(quota.where).every(([name, wanted]) => wanted.includes(values[task.strata.indexOf(name)]));
  return (task.quotas ?? []).find(fits) ?? { rate: task.rate, at_most: task.at_most };
}

function asked(task, stratum, eligible) {
  const quota = quotaOf(task, stratum);
  if (quota.count !== undefined) return big(Math.min(quota.count, eligible));
  if (quota.rate !== undefined) return times(big(...quota.rate), big(eligible));
  const { per_year: [num, den], batches, batch } = quota.visits;
  const cycle = (batches * den) / num;
  return big(eligible, cycle - ((batch - 1) % cycle));
}

// The one factor by which all quotas, within their bounds, add up to the total.
function sharedOut(exact, least, most, total) {
  const given = (factor) =>
    exact.map((one, n) => {
      if (one.num === 0n || less(times(one, factor), big(least[n]))) return big(least[n]);
      return less(big(most[n]), times(one, factor)) ? big(most[n]) : times(one, factor);
    });
  const bends = [big(0)];
  exact.forEach((one, n) => one.num && bends.push(over(big(least[n]), one), over(big(most[n]), one)));
  bends.sort((a, b) => (less(a, b) ? -1 : less(b, a) ? 1 : 0));
  const sums = bends.map((bend) => sum(given(bend)));
  const n = sums.findIndex((one) => !less(one, big(total)));
  if (n <= 0) return given(n ? bends[bends.length - 1] : bends[0]);
  const step = over(times(minus(bends[n], bends[n - 1]), minus(big(total), sums[n - 1])), minus(sums[n], sums[n - 1]));
  return given(plus(bends[n - 1], step));
}

export async function sharesOf(task, counts, seed) {
  const names = Object.keys(counts).sort(byBytes);
  const most = names.map((name) => counts[name].E);
  const least = most.map((eligible) => Math.min(task.minimum, eligible));
  let exact = names.map((name, n) => asked(task, name, most[n]));
  if (task.total) exact = sharedOut(exact, least, most, task.total);
  let whole = exact.map(task.rounding === "ceil" ? ceil : floor);
  if (task.rounding === "hamilton") {
    const left = floor(sum(exact)) - whole.reduce((a, b) => a + b, 0n);
    const ties = await Promise.all(names.map((name) => sha256(`${seed}|tie|${name}`)));
    const rest = exact.map((one, n) => minus(one, big(whole[n])));
    const order = names.map((_, n) => n);
    order.sort((a, b) => (less(rest[b], rest[a]) ? -1 : less(rest[a], rest[b]) ? 1 : ties[a] < ties[b] ? -1 : 1));
    for (const n of order.slice(0, Number(left))) whole[n] += 1n;
  } else if (task.rounding === "systematic") {
    let end = big(BigInt(`0x${await sha256(`${seed}|round`)}`), WHOLE);
    whole = exact.map((one) => {
      const start = end;
      end = plus(start, one);
      return floor(end) - floor(start);
    });
  }
  const shares = {};
  names.forEach((name, n) => {
    const primary = Math.min(most[n], Math.max(least[n], Number(whole[n])));
    const [num, den] = task.reserves.rate;
    const extra = Math.max(task.reserves.minimum, Number(ceil(big(primary * num, den))));
    shares[name] = { eligible: most[n], primary, reserves: Math.min(extra, most[n] - primary) };
  });
  return shares;
}

// -- selection ------------------------------------------------------------------------------------
export const isWeighted = (task) => Boolean(task.weights || (task.columns ?? []).includes("size"));

// Those of one stratum, {id, ticket, weight}, in the order in which they are drawn.
export function ranked(entries, primary, weighted) {
  const byTicket = (a, b) => (a.ticket < b.ticket ? -1 : a.ticket > b.ticket ? 1 : byBytes(a.id, b.id));
  let left = [...entries].sort(byTicket);
  if (!weighted) return left;
  const weigh = (some) => some.reduce((total, one) => total + BigInt(one.weight), 0n);
  let [certain, k, all] = [[], BigInt(primary), weigh(left)];
  for (;;) {
    const sure = left.filter((one) => k && k * BigInt(one.weight) >= all);
    if (!sure.length) break;
    left = left.filter((one) => k * BigInt(one.weight) < all);
    certain = [...certain, ...sure];
    k -= BigInt(sure.length);
    all -= weigh(sure);
  }
  const odds = new Map();
  for (const one of left) {
    const [half, weight] = [2n * BigInt(`0x${one.ticket}`) + 1n, BigInt(one.weight)];
    const [to, of] = k ? [all - k * weight, k * weight] : [all, weight];
    odds.set(one, (half * to * WHOLE) / ((2n * WHOLE - half) * of));
  }
  const byOdds = (a, b) => (odds.get(a) < odds.get(b) ? -1 : odds.get(a) > odds.get(b) ? 1 : byTicket(a, b));
  return [...certain.sort(byTicket), ...left.sort(byOdds)];
}

// -- the steps ------------------------------------------------------------------------------------
const STEPS = {
  async manifest(b) {
    const lines = words(await b.file("MANIFEST.sha256")).split("\n");
    must(lines.pop() === "" && lines.length, "The manifest is cut short.", "清单不完整。");
    const listed = lines.map((line) => /^([0-9a-f]{64}) {2}([A-Za-z0-9._-]+)$/.exec(line) ?? []);
    let closed = 0;
    for (const [, hash, name] of listed) {
      must(name, "The manifest is not a list.", "清单格式不符。");
      if (await b.absent(name)) closed += 1;
      else must((await sha256(await b.file(name))) === hash, `${name} was altered.`, `${name} 被改动。`);
    }
    b.names = new Set(listed.map(([, , name]) => name));
    const count = listed.length - closed;
    return [`${count} files are as listed; ${closed} are not public.`, `${count} 个文件与清单一致，${closed} 个未公开。`];
  },
  async commitment(b) {
    const data = await b.file("commit.json");
    const [commit, hash] = [json(data), await sha256(data)];
    must(!b.published || b.published === hash, `This is ${hash}, not what was published.`, `本承诺为 ${hash}，与公布的不符。`);
    must(commit.spec === "sjdraw/1", "Not a draw by sjdraw/1.", "不是按 sjdraw/1 进行的抽取。");
    must((commit.seq === 1) === (commit.prev === ZEROS), "The chain is broken.", "承诺链断裂。");
    const task = await b.file("task.json");
    must((await sha256(task)) === commit.task, "The task is not the committed one.", "任务书与承诺不符。");
    Object.assign(b, { commit, hash, task: json(task) });
    const told = b.published ? ["As published.", "与公布的一致。"] : ["Compare it with what was published then.", "请与当时公布的核对。"];
    return [`${commit.agency} no. ${commit.seq}, ${commit.created_at}: ${hash}. ${told[0]}`, `${commit.agency} 第 ${commit.seq} 号，${commit.created_at}：${hash}。${told[1]}`];
  },
  async log(b) {
    const lines = words(await b.file("log.ndjson")).split("\n");
    must(lines.pop() === "", "The log is cut short.", "日志不完整。");
    let prev = ZEROS;
    const events = [];
    for (const line of lines) {
      const event = json(bytes(line));
      must(event.prev === prev && event.n === events.push(event), "The log is not chained.", "日志链断裂。");
      prev = await sha256(line);
    }
    must(events[0]?.commit === b.hash, "The log opens with another commitment.", "日志首行是另一份承诺。");
    const course = /^commit( draw(?<later>( (substitute|replace|extend))*))?( void)?$/.exec(events.map((one) => one.event).join(" "));
    must(course, "The events are not those of one draw.", "日志事件不构成一次抽取。");
    const drawn = events.find((event) => event.event === "draw");
    for (const name of drawn ? ["selection", "assignment"] : []) {
      must(drawn[name] === (await sha256(await b.file(`${name}.tsv`))), `The log has another ${name}.`, `日志所记 ${name} 不符。`);
    }
    const last = events.at(-1);
    Object.assign(b, { drawn, events, logged: true });
    const only = course.groups.later ? [" Of the changes since, only this chain is checked here.", "抽取后的变更在此仅核验链条。"] : ["", ""];
    if (last.event === "void") return [`The draw is VOID: ${last.reason}.${only[0]}`, `该抽取已作废：${last.reason}。${only[1]}`];
    return [`${events.length} events, chained.${only[0]}`, `${events.length} 个事件，首尾相连。${only[1]}`];
  },
  async frame(b) {
    const { commit, task } = b;
    const data = await unpacked(await b.file("frame.tsv.gz"));
    const rows = table(data, 8 + (task.columns ?? []).length);
    const [counts, alike, text] = [{}, new Map(), words(data)];
    must(text.normalize("NFC") === text && !/(?![\t\n])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text), "A character has no place there.", "含有不允许的字符。");
    rows.forEach((row, n) => {
      const [id, stratum, , status] = row;
      must(id && (n === 0 || byBytes(rows[n - 1][0], id) < 0), `Line ${n + 1} is out of order.`, `第 ${n + 1} 行次序有误。`);
      const tail = row.slice(1).join("\t"); // many lines differ in nothing but their identifier
      if (!alike.has(tail)) alike.set(tail, refuted(task, row));
      const [en, zh] = alike.get(tail) ?? [];
      must(!en, `Line ${n + 1}: ${id} ${en}.`, `第 ${n + 1} 行：${id} ${zh}。`);
      counts[stratum] ??= { E: 0, X: 0 };
      counts[stratum][status] += 1;
    });
    must((await sha256(data)) === commit.frame_sha256, "The frame is not the committed one.", "抽样框与承诺不符。");
    const tree = await levels(rows.map((row) => row.join("\t")));
    must((await rootOf(tree)) === commit.frame_root, "The Merkle root differs.", "默克尔根不符。");
    must(canonical(counts) === canonical(commit.counts), "The counts differ.", "分层计数不符。");
    Object.assign(b, { rows, tree });
    return [
      `${rows.length} in scope; root ${commit.frame_root}. Stratum, weight and reason of each follow from its line and the task; what the registers said is not in these files.`,
      `范围内 ${rows.length} 户；根 ${commit.frame_root}。每户的层、权重和排除理由均由其所在行和任务书得出；名录库原记载不在本档案内。`,
    ];
  },
  async seed(b) {
    if (b.logged && !b.drawn) throw Object.assign(new Open("Not drawn yet."), { zh: "尚未抽取。" });
    const found = json(await b.file("randomness.json"));
    const names = [Object.keys(found.sources).sort(byBytes), Object.keys(found.nonces).sort()];
    must(canonical(names) === canonical([b.commit.sources, Object.keys(b.commit.nonce_commits).sort()]), "Not what was committed to.", "随机源与承诺不符。");
    for (const [who, nonce] of Object.entries(found.nonces)) {
      const opened = await sha256(`sjdraw/1|nonce|${who}|${nonce}`);
      must(opened === b.commit.nonce_commits[who], `${who} committed to another nonce.`, `${who} 的随机数与承诺不符。`);
    }
    const values = Object.fromEntries(Object.entries(found.sources).map(([name, one]) => [name, one.value]));
    const seeds = await seedsOf(b.hash, b.task.id, values, found.nonces);
    must(canonical(seeds) === words(await b.file("seed.json")), "The seed does not follow.", "种子并非由此得出。");
    must(b.drawn.seed === seeds.root, "The log has another seed.", "日志所记种子不符。");
    b.seeds = seeds;
    const told = Object.entries(values).map(([name, value]) => `${name} = ${value}`).join("; ");
    return [`Compare with the public record (no beacon's signature is checked here): ${told}.`, `请与公开记录核对（此处不验证信标签名）：${told}。`];
  },
  async allocation(b) {
    const shares = await sharesOf(b.task, b.commit.counts, b.seeds.rounding);
    must(canonical(shares) === words(await b.file("allocation.json")), "The numbers do not follow.", "名额并非按任务书得出。");
    for (const [name, { eligible, primary }] of Object.entries(shares)) {
      const [num, den] = quotaOf(b.task, name).at_most ?? [1, 1];
      const most = Math.max(1, Number(floor(big(eligible * num, den))));
      must(primary <= most, `${name} gives ${primary}, at most ${most} are allowed.`, `${name} 抽取 ${primary} 户，超过上限 ${most} 户。`);
    }
    b.shares = shares;
    const count = Object.values(shares).reduce((total, share) => total + share.primary, 0);
    return [`${count} to draw.`, `应抽 ${count} 户。`];
  },
  async selection(b) {
    const strata = {};
    for (const [id, stratum, weight, status] of b.rows) {
      if (status === "E") (strata[stratum] ??= []).push({ id, weight, ticket: await ticket(b.seeds.objects, id) });
    }
    const lots = [];
    for (const name of Object.keys(b.shares).sort(byBytes)) {
      const { primary, reserves } = b.shares[name];
      strata[name] = ranked(strata[name] ?? [], primary, isWeighted(b.task));
      strata[name].slice(0, primary + reserves).forEach((one, n) => {
        lots.push(`${name}\t${n + 1}\t${one.id}\t${one.ticket}\t${n < primary ? "P" : "R"}\n`);
      });
    }
    must(lots.join("") === words(await b.file("selection.tsv")), "The list does not follow from the tickets.", "名单并非由签号得出。");
    b.strata = strata;
    return [`All ${lots.length} lots follow from the tickets of the whole frame.`, `全部 ${lots.length} 个签号由整个名录计算得出。`];
  },
  async assignment() {
    throw Object.assign(new Open("Not checked here: it needs the recusals, which the auditor keeps."), { zh: "此处不检查：须有由审计方保管的回避名单。" });
  },
};

const RESTS = { log: ["hash"], frame: ["commit"], seed: ["commit", "logged"], allocation: ["rows", "seeds"], selection: ["shares"] };
export const TITLES = { manifest: "清单", commitment: "承诺", log: "日志", frame: "抽样框", seed: "种子", allocation: "名额", selection: "签号", assignment: "人员匹配" };

// `read` gives a file's bytes, or null where it is not public. Give the steps, and what was found.
export async function verify(read, published = "") {
  const files = new Map();
  const get = async (name) => {
    if (!files.has(name)) files.set(name, await read(name));
    return files.get(name);
  };
  const b = { published, absent: async (name) => (await get(name)) === null };
  b.file = async (name) => {
    const data = await get(name);
    if (data === null) throw Object.assign(new Open(`${name} is not public.`), { zh: `${name} 未公开。` });
    return data;
  };
  const steps = [];
  for (const [name, check] of Object.entries(STEPS)) {
    try {
      const rests = (RESTS[name] ?? []).every((rest) => b[rest]);
      if (!rests) throw Object.assign(new Open("Not checked."), { zh: "未检查。" });
      const [en, zh] = await check(b);
      steps.push({ name, ok: true, en, zh });
    } catch (error) {
      const ok = error instanceof Open ? null : false;
      steps.push({ name, ok, en: error.message, zh: error.zh ?? `无法读取：${error.message}` });
    }
  }
  return { steps, found: b };
}

// What is known of one object: whether it was in the frame, and what became of it.
export function place(found, id) {
  const index = (found.rows ?? []).findIndex((row) => row[0] === id);
  if (index < 0) return { en: `${id} is not in this frame.`, zh: `${id} 不在本抽样框内。` };
  const [, stratum, , status, reason] = found.rows[index];
  const proof = { line: found.rows[index].join("\t"), index, path: pathOf(found.tree, index) };
  if (status === "X") return { ...proof, en: `${id} was excluded: ${reason}.`, zh: `${id} 不参加抽取：${reason}。` };
  if (!found.strata) return { ...proof, en: `${id} can be drawn.`, zh: `${id} 可被抽取。` };
  const rank = found.strata[stratum].findIndex((one) => one.id === id) + 1;
  const { eligible, primary, reserves } = found.shares[stratum];
  const events = found.events ?? [];
  const since = events.some((one) => one.event === "substitute" && one.site === id) ? ["; it gave way later", "，后被替补"]
    : events.some((one) => one.lots?.some((lot) => lot[2] === id)) ? ["; called later", "，后递补或增抽"] : ["", ""];
  const [en, zh] = rank <= primary ? ["drawn", "中签"] : rank <= primary + reserves ? ["a reserve", "候补"] : ["not drawn", "未中签"];
  const number = found.strata[stratum][rank - 1].ticket;
  return { ...proof, en: `${id} has ticket ${number}, rank ${rank} of ${eligible}: ${en}${since[0]}.`, zh: `${id} 的签号为 ${number}，在 ${eligible} 户中列第 ${rank}：${zh}${since[1]}。` };
}

// -- the page -------------------------------------------------------------------------------------
async function show(page) {
  const list = page.querySelector("ol");
  const line = (parent, className, zh, en) => {
    const row = parent.appendChild(document.createElement(parent === list ? "li" : "p"));
    row.className = className;
    row.append(`${zh} `);
    const other = row.appendChild(document.createElement("span"));
    Object.assign(other, { className: "en", lang: "en", textContent: en });
  };
  if (!globalThis.crypto?.subtle) {
    line(list, "wrong", "请通过 https 打开本页。", "Open this page by https: the browser computes hashes only there.");
    return;
  }
  const asked = new URLSearchParams(location.search);
  const read = async (name) => {
    if (AUDITORS.includes(name)) return null;
    const answer = await fetch(page.dataset.bundle + name, { cache: "no-store" });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    must(answer.status !== 404, `${name} is missing.`, `缺少 ${name}。`);
    return null; // sealed until a day
  };
  const { steps, found } = await verify(read, asked.get("commitment") ?? "");
  const marks = { true: ["proved", "✓ 已证明"], false: ["wrong", "✗ 不符"], null: ["open", "– 未证明"] };
  for (const step of steps) {
    const [kind, mark] = marks[step.ok];
    line(list, kind, `${mark} ${TITLES[step.name]}：${step.zh}`, `${step.name}: ${step.en}`);
  }
  const result = page.querySelector("[role=status]");
  const explain = (id) => {
    result.replaceChildren();
    const told = place(found, id);
    line(result, "place", told.zh, told.en);
    if (told.path) line(result, "proof", `默克尔路径 ${told.path.join(" ")}`, `line ${told.index + 1}: ${told.line}`);
  };
  page.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    explain(new FormData(event.target).get("id").trim());
  });
  if (asked.get("id")) explain(asked.get("id"));
  page.dataset.done = steps.some((step) => step.ok === false) ? "wrong" : "right";
}

if (globalThis.document) show(document.querySelector("main"));
