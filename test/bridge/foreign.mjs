// foreign.mjs: meters that others' libraries play, for foreign.sh.
//
// Signs messages of our profile with npm's jose (JWS) and @auth0/cose
// (COSE_Sign1), and publishes them with npm's mqtt: nothing of ours takes part,
// so that a misreading of a standard, made alike in our signer and our verifier,
// shows.
//
//   node foreign.mjs sign DIR          DIR/register.sql, DIR/messages.json
//   node foreign.mjs publish DIR PORT  publish them, QoS 1, in order
//
// cbor-x writes a JavaScript number above 2^32 as a float, which a signed quantity
// must never be: such numbers are BigInts here.

import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const READINGS_EACH = 3; // then a transfer, and a reading that is damaged
const DAY_MS = Date.UTC(2025, 5, 21);
const QUARTER_MS = 900000;

// The packages lie in the test's folder, not beside this file.
const require = createRequire(join(process.cwd(), 'packages.js'));
const load = (name) => import(pathToFileURL(require.resolve(name)));

const field = (jwk, name) => Buffer.from(jwk[name], 'base64url');

// What register_meter takes: 32 bytes of Ed25519, 65 of P-256.
function rawPublicKey(key) {
  const jwk = key.export({ format: 'jwk' });
  return jwk.kty === 'OKP' ? field(jwk, 'x') : Buffer.concat([Buffer.of(4), field(jwk, 'x'), field(jwk, 'y')]);
}

function reading(seq) {
  const from = DAY_MS + (seq - 1) * QUARTER_MS;
  return { obis: '1-0:1.8.0', from, to: from + QUARTER_MS, value: 100 * seq, scale: 0, unit: 'Wh', status: 'G' };
}

const typeOf = (seq) => (seq === READINGS_EACH + 1 ? 'transfer' : 'reading');

// number: how a large one is written.
function body(seq, number) {
  const r = reading(seq);
  if (typeOf(seq) === 'transfer') {
    return ['cancel', [['foreign-roof', 'electricity', 1, 250], ['foreign-roof', 'electricity', 1001, number(2 ** 40)]],
      null, null, 500000, 'Bäckerei', 'label', number(DAY_MS), number(DAY_MS + 4 * QUARTER_MS)];
  }
  return [[r.obis, number(r.from), number(r.to), r.value, r.scale, r.unit, r.status]];
}

function jsonPayload(meter, seq, prev) {
  return Buffer.from(JSON.stringify({
    v: 1, type: typeOf(seq), meter, epoch: 1, seq, prev: prev.toString('base64url'), t: reading(seq).to, ts: 'S', body: body(seq, (n) => n),
  }));
}

function cborPayload(cbor, meter, seq, prev) {
  return cbor.encode(new Map([
    [1, 1], [2, typeOf(seq)], [3, meter], [4, 1], [5, seq], [6, prev], [7, BigInt(reading(seq).to)], [8, 'S'], [9, body(seq, BigInt)],
  ]));
}

// One bit of the signature, in its bytes: what is left is well-formed and wrong.
function flipSignatureBit(message) {
  if (message[0] !== 0x65) { // COSE: the signature's bytes come last
    message[message.length - 40] ^= 1;
    return message;
  }
  const dot = message.lastIndexOf('.');
  const signature = Buffer.from(message.toString('latin1', dot + 1), 'base64url');
  signature[24] ^= 1;
  return Buffer.concat([message.subarray(0, dot + 1), Buffer.from(signature.toString('base64url'))]);
}

async function sign(dir) {
  const { CompactSign } = await load('jose');
  const cose = await load('@auth0/cose');
  const cborX = await load('cbor-x');
  const cbor = new cborX.Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false, variableMapSize: true });
  const ed25519 = () => generateKeyPairSync('ed25519');
  const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const jws = (alg) => async (meter, seq, prev, key) =>
    Buffer.from(await new CompactSign(jsonPayload(meter, seq, prev)).setProtectedHeader({ alg }).sign(key));
  const sign1 = (alg) => async (meter, seq, prev, key) => {
    const message = await cose.Sign1.sign(new cose.ProtectedHeaders([[cose.Headers.Algorithm, alg]]),
      new cose.UnprotectedHeaders([]), cborPayload(cbor, meter, seq, prev), key);
    return Buffer.from(message.encode());
  };
  const meters = [
    { meter: 'foreign-jws-eddsa', algorithm: 'Ed25519', pair: ed25519(), make: jws('EdDSA') },
    { meter: 'foreign-jws-es256', algorithm: 'ES256', pair: p256(), make: jws('ES256') },
    { meter: 'foreign-cose-eddsa', algorithm: 'Ed25519', pair: ed25519(), make: sign1(cose.Algorithms.EdDSA) },
    { meter: 'foreign-cose-es256', algorithm: 'ES256', pair: p256(), make: sign1(cose.Algorithms.ES256) },
  ];

  const sql = [];
  const messages = [];
  for (const { meter, algorithm, pair, make } of meters) {
    const topic = (seq) => `el/v1/foreign/0/${meter}/up/${typeOf(seq)}`;
    let prev = Buffer.alloc(0);
    sql.push(`SELECT energyledger.register_meter('${meter}', '\\x${rawPublicKey(pair.publicKey).toString('hex')}', '${algorithm}');`);
    for (let seq = 1; seq <= READINGS_EACH + 1; seq++) {
      const message = await make(meter, seq, prev, pair.privateKey);
      prev = createHash('sha256').update(message).digest();
      messages.push({ topic: topic(seq), hex: message.toString('hex') });
    }
    const honest = await make(meter, READINGS_EACH + 2, prev, pair.privateKey);
    messages.push({ topic: topic(READINGS_EACH + 2), hex: flipSignatureBit(honest).toString('hex') });
  }
  writeFileSync(join(dir, 'register.sql'), sql.join('\n') + '\n');
  writeFileSync(join(dir, 'messages.json'), JSON.stringify(messages));
}

async function publish(dir, port) {
  const { default: mqtt } = await load('mqtt');
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, connectTimeout: 10000 });
  for (const { topic, hex } of JSON.parse(readFileSync(join(dir, 'messages.json'), 'utf8'))) {
    await client.publishAsync(topic, Buffer.from(hex, 'hex'), { qos: 1 });
  }
  await client.endAsync();
}

const [verb, dir, port] = process.argv.slice(2);
await (verb === 'sign' ? sign(dir) : publish(dir, Number(port)));
