'use strict';
// What is hashed, signed and summed: the section "Bytes" of docs/reference/protocol.md.

const crypto = require('node:crypto');

const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex'); // PKCS #8, Ed25519
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex'); // SubjectPublicKeyInfo, Ed25519

function sha256(...parts) {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const genesis = (device) => sha256(`evenhand-chain/1\n${device}`);
const link = (before, line) => sha256(Buffer.from(before, 'hex'), line);
const root = (before, hash, verdict, received) =>
  sha256(`${before}|${hash}|${verdict}|${received}`);

function privateKey(secret) {
  const der = Buffer.concat([PRIVATE, Buffer.from(secret, 'hex')]);
  return crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicKey(secret) {
  const der = crypto.createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' });
  return der.subarray(PUBLIC.length).toString('hex');
}

const newSecret = () => crypto.randomBytes(32).toString('hex');
const sign = (secret, text) =>
  crypto.sign(null, Buffer.from(text), privateKey(secret)).toString('hex');

function verify(key, text, signature) {
  const der = Buffer.concat([PUBLIC, Buffer.from(key, 'hex')]);
  const spki = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
  return crypto.verify(null, Buffer.from(text), spki, Buffer.from(signature, 'hex'));
}

const bodyText = (sender, body) => `evenhand-sync/1\n${sender}\n${sha256(body)}`;

function signatureHeader(secret, sender, body) {
  const signature = sign(secret, bodyText(sender, body));
  return `dev=${sender}; alg=ed25519; body=${sha256(body)}; sig=${signature}`;
}

function isSigned(key, sender, body, header) {
  const found = /^dev=(\S+); alg=ed25519; body=([0-9a-f]{64}); sig=([0-9a-f]{128})$/.exec(header);
  if (!found || found[1] !== sender || found[2] !== sha256(body)) return false;
  return verify(key, bodyText(sender, body), found[3]);
}

const receiptText = (device, n, h, ledger, root) =>
  `evenhand-receipt/1\n${device}\n${n}\n${h}\n${ledger}\n${root}`;

/** Give [count, sum] of [kind, id, revision] triples; the sum is a BigInt. */
function checksum(rows) {
  let sum = 0n;
  for (const row of rows) sum += BigInt(`0x${sha256(row.join('|')).slice(0, 16)}`);
  return [rows.length, sum % (1n << 60n)];
}

/** Compare two texts by code point, as their UTF-8 compares. */
const byCodePoint = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Write JSON as the digest of a fold wants it. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  entries.sort(([a], [b]) => byCodePoint(a, b));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
}

module.exports = {
  byCodePoint, canonical, checksum, genesis, isSigned, link, newSecret, publicKey, receiptText,
  root, sha256, sign, signatureHeader, verify,
};
