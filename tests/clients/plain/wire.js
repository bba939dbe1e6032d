'use strict';
// Signed questions and answers over HTTP: the section "The exchange" of protocol.md.

const http = require('node:http');
const zlib = require('node:zlib');
const { isSigned, signatureHeader } = require('./bytes.js');

/** The link broke, or what came was not the server's: nothing is known, ask again. */
class Lost extends Error {}

/** The server said no; `code` and `details` say why. */
class Refused extends Error {
  constructor(status, problem, headers) {
    super(`${problem.code ?? status}: ${problem.detail ?? ''}`);
    Object.assign(this, { status, code: problem.code, details: problem.details ?? {}, headers });
  }
}

/** Ask by HTTP; give the status, the headers and the unpacked body. */
function ask(server, method, path, headers = {}, body = Buffer.alloc(0)) {
  return new Promise((resolve, reject) => {
    const lost = (error) => reject(new Lost(error.message));
    const options = {
      method, agent: false,
      headers: { 'Accept-Encoding': 'gzip', 'Content-Length': body.length, ...headers },
    };
    const request = http.request(new URL(path, server), options, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', lost);
      response.on('end', () => {
        const packed = response.headers['content-encoding'] === 'gzip';
        let whole = Buffer.concat(parts);
        try {
          if (packed) whole = zlib.gunzipSync(whole);
        } catch (error) {
          return lost(error);
        }
        return resolve({ status: response.statusCode, headers: response.headers, body: whole });
      });
    });
    request.on('error', lost);
    request.end(body);
  });
}

function refuse({ status, headers, body }) {
  let problem = {};
  try {
    problem = JSON.parse(body);
  } catch { /* not from our server: a proxy's page */ }
  throw new Refused(status, problem, headers);
}

/** Ask in plain JSON; give the answer, or throw. */
async function askJson(server, path, body, headers = {}) {
  const sent = { 'Content-Type': 'application/json', ...headers };
  const answer = await ask(server, 'POST', path, sent, Buffer.from(JSON.stringify(body)));
  if (answer.status >= 300) refuse(answer);
  return JSON.parse(answer.body);
}

/** Ask with a signed body; give the lines of an answer that the server signed. */
async function askSigned({ server, server_key: key, device, secret }, path, body) {
  const headers = {
    'Sync-Signature': signatureHeader(secret, device, body), 'Content-Encoding': 'gzip',
  };
  const answer = await ask(server, 'POST', path, headers, zlib.gzipSync(body));
  if (answer.status !== 200) refuse(answer);
  if (!isSigned(key, 'hub', answer.body, answer.headers['sync-signature'] ?? ''))
    throw new Lost('the answer is not signed by the server that this device knows');
  return answer.body.toString('utf8').split('\n');
}

module.exports = { Lost, Refused, ask, askJson, askSigned, refuse };
