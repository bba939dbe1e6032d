'use strict';
// Evidence files by tus 1.0: the section "Evidence files" of docs/reference/protocol.md.

const fs = require('node:fs');
const path = require('node:path');
const { Refused, ask, askJson, refuse } = require('./wire.js');

const DOOR = '/device/blobs';
const OFFSET = 'application/offset+octet-stream';
const WHOLE = 512_000; // bytes that go up together with their announcement
const PART = 65_536;
const GONE = new Set(['evidence.upload-not-found', 'evidence.upload-expired']);
const AGAIN = new Set(['evidence.digest-wrong', ...GONE]);

const base64 = (text) => Buffer.from(text).toString('base64');

/** Send the files that a device still keeps, and keep no longer those that arrived. */
async function send(device) {
  const { files, server, upload } = device.state;
  const headers = { Authorization: `Bearer ${upload}`, 'Tus-Resumable': '1.0.0' };
  const at = (digest) => path.join(device.folder, 'files', digest);
  const sizes = Object.keys(files).map((digest) => [digest, fs.statSync(at(digest)).size]);
  const known = await askJson(
    server, `${DOOR}/want`, { files: Object.fromEntries(sizes) }, headers,
  );
  const flags = { ...known.stored };
  for (const [digest] of sizes) {
    if (digest in known.stored) continue;
    const body = fs.readFileSync(at(digest));
    const link = { server, headers, digest, mime: files[digest], body };
    const begun = known.begun[digest];
    try {
      flags[digest] = await upload1(link, begun && `${DOOR}/${begun.id}`, begun?.offset);
    } catch (error) {
      if (!(error instanceof Refused) || !AGAIN.has(error.code)) throw error;
      flags[digest] = await upload1(link);
    }
  }
  for (const digest of Object.keys(flags)) {
    fs.rmSync(at(digest), { force: true });
    delete files[digest];
  }
  device.keep();
  return flags;
}

/** Send one file, from where it stands; give what is wrong with the picture, or nothing. */
async function upload1(link, place, offset) {
  if (place === undefined) {
    const answer = await create(link);
    [place, offset] = [answer.headers.location, Number(answer.headers['upload-offset'])];
    if (offset === link.body.length) return answer.headers['evidence-flag'] ?? '';
  }
  for (;;) {
    const part = link.body.subarray(offset, offset + PART);
    const told = { 'Upload-Offset': offset, 'Content-Type': OFFSET };
    const answer = await ask(link.server, 'PATCH', place, { ...link.headers, ...told }, part);
    if (answer.status === 409 || answer.status === 423) {
      const head = await ask(link.server, 'HEAD', place, link.headers);
      if (head.status !== 200) refuse(head);
      offset = Number(head.headers['upload-offset']);
    } else if (answer.status === 204) {
      offset = Number(answer.headers['upload-offset']);
    } else {
      refuse(answer);
    }
    if (offset === link.body.length) return answer.headers['evidence-flag'] ?? '';
  }
}

async function create({ server, headers, digest, mime, body }) {
  const metadata = `sha256 ${base64(digest)},mime ${base64(mime)}`;
  const told = { 'Upload-Length': body.length, 'Upload-Metadata': metadata };
  const whole = body.length <= WHOLE;
  if (whole) told['Content-Type'] = OFFSET;
  const answer = await ask(
    server, 'POST', DOOR, { ...headers, ...told }, whole ? body : Buffer.alloc(0),
  );
  if (answer.status !== 201) refuse(answer);
  return answer;
}

module.exports = { send };
