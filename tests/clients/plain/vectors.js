'use strict';
// Check this client against fixtures/vectors before it speaks to any server.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const bytes = require('./bytes.js');
const { digest, fold } = require('./fold.js');

function chain(device, lines) {
  const hashes = [];
  for (const line of lines) hashes.push(bytes.link(hashes.at(-1) ?? bytes.genesis(device), line));
  return hashes;
}

function folds(all) {
  for (const { name, ops, state, digest: wanted } of all) {
    const found = fold([...ops, ...ops].reverse());
    assert.equal(bytes.canonical(found), state, name);
    assert.equal(digest(found), wanted, name);
  }
  return all.length;
}

function sync({ keys, chain: told, ledger, push, receipt, checksum, folds: all }) {
  for (const { secret, public: key } of Object.values(keys))
    assert.equal(bytes.publicKey(secret), key);
  assert.equal(bytes.genesis(told.device), told.genesis);
  assert.deepEqual(chain(told.device, told.raws), told.hashes);
  for (const one of ledger)
    assert.equal(bytes.root(one.root, one.hash, one.verdict, one.received_ms), one.then);
  const { dev } = JSON.parse(push.body.split('\n')[0]);
  assert.equal(bytes.signatureHeader(keys[dev].secret, dev, push.body), push.header);
  const { device, n, h, ledger: at, root, text, sig } = receipt;
  assert.equal(bytes.receiptText(device, n, h, at, root), text);
  assert.ok(bytes.verify(keys.hub.public, text, sig));
  assert.deepEqual(bytes.checksum(checksum.rows), [checksum.is[0], checksum.is[1]]);
  return 5 + Object.keys(keys).length + told.raws.length + ledger.length + folds(all);
}

function texts({ device, secret, public: key, lines, folds: all }) {
  for (const { name, text, utf8, hash, header } of lines) {
    const line = Buffer.from(utf8, 'hex');
    assert.equal(Buffer.from(text).toString('hex'), utf8, name);
    assert.equal(chain(device, [line])[0], hash, name);
    assert.equal(bytes.signatureHeader(secret, device, line), header, name);
    assert.ok(bytes.isSigned(key, device, line, header), name);
  }
  return lines.length + folds(all);
}

function versions({ versions: all }, keys) {
  let count = 0;
  for (const { requests } of Object.values(all)) {
    for (const { header, body } of requests) {
      const [first, ...lines] = body.split('\n');
      const { dev, from, count: many, prev, head } = JSON.parse(first);
      assert.ok(bytes.isSigned(keys[dev].public, dev, body, header));
      assert.equal(lines.length, many);
      assert.equal(lines.reduce((hash, line) => bytes.link(hash, line), prev), head);
      if (from === 1) assert.equal(prev, bytes.genesis(dev));
      count += 1;
    }
  }
  return count;
}

/** Read the sum of the checksum: JSON.parse would round it, for it goes up to 2 to the 60th. */
const exact = (text) => BigInt(/"is":\s*\[\s*\d+,\s*(\d+)/.exec(text)[1]);

/** Check everything in a folder of vectors; give how many of each were checked. */
function check(folder) {
  const text = (...names) => fs.readFileSync(path.join(folder, ...names), 'utf8');
  const read = (...names) => JSON.parse(text(...names));
  const golden = read('sync.json');
  golden.checksum.is[1] = exact(text('sync.json'));
  const operations = fs.readdirSync(path.join(folder, 'operations'));
  return {
    sync: sync(golden),
    texts: texts(read('texts.json')),
    versions: versions(read('versions.json'), golden.keys),
    operations: operations.reduce((sum, name) => sum + folds(read('operations', name).folds), 0),
  };
}

module.exports = { check };
if (require.main === module) console.log(JSON.stringify(check(process.argv[2])));
