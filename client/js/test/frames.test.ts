import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Frame, Zone } from '../src/index.js';
import { FakeServer, type FakeSocket } from './fake.js';

/** Frames that follow one another, of the schema of all zones; the first is a keyframe. */
const golden = readFileSync('proto/delta/testdata/world.txt', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('frame '))
  .map((line) => Uint8Array.from(atob(line.split(' ')[1]!), (c) => c.charCodeAt(0)));

const fields = [
  { name: 'x', kind: 'FIELD_KIND_POSITION', bits: 20 },
  { name: 'y', kind: 'FIELD_KIND_POSITION', bits: 20 },
  { name: 'heading', kind: 'FIELD_KIND_ANGLE', bits: 8 },
  { name: 'hp', kind: 'FIELD_KIND_LEVEL', bits: 10 },
  { name: 'state', kind: 'FIELD_KIND_ENUMERATION', bits: 3 },
];
const entered = { entered: { zone: { name: 'plaza', width: 60, height: 40, hz: 20, maxSpeed: 6 }, fields, owner: 'a', players: 0 } };

function varint(n: number): number[] {
  return n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))];
}

function inField(number: number, bytes: Iterable<number>): number[] {
  const body = [...bytes];
  return [...varint(number * 8 + 2), ...varint(body.length), ...body];
}

function keyMessage(stream: number, frame: Uint8Array, zone = 'plaza'): Uint8Array {
  return Uint8Array.from(inField(12, [8, ...varint(stream), ...inField(2, new TextEncoder().encode(zone)), 24, 3, ...inField(4, frame)]));
}

function frameMessage(stream: number, frame: Uint8Array): Uint8Array {
  return Uint8Array.from(inField(11, [8, ...varint(stream), ...inField(2, frame)]));
}

type T = Parameters<FakeServer['connect']>[0];

/** A client that watches the plaza; before is said ahead of the answer to its EnterZone. */
async function spectating(t: T, before: Uint8Array[] = []): Promise<{ server: FakeServer; socket: FakeSocket; plaza: Zone; seen: Frame[] }> {
  const server = new FakeServer();
  const [client, socket] = await server.connect(t);
  const entering = client.enterZone('plaza', { spectate: true });
  const frame = await socket.expect('enterZone');
  for (const bytes of before) socket.tellBytes(bytes);
  socket.answer(frame, entered);
  socket.answer(await socket.expect('who'), { present: {} });
  const plaza = await entering;
  const seen: Frame[] = [];
  plaza.on('frame', (f) => void seen.push(f));
  return { server, socket, plaza, seen };
}

test('frames are followed, each on the one before', async (t) => {
  const { socket, plaza, seen } = await spectating(t);
  socket.tellBytes(keyMessage(300, golden[0]!));
  for (const f of golden.slice(1, 60)) socket.tellBytes(frameMessage(300, f));
  assert.deepEqual(seen.map((f) => f.seq), Array.from({ length: 60 }, (_, i) => i + 1));
  assert.deepEqual([seen[0]!.cell, seen[0]!.key, seen[1]!.key], [3, true, false]);
  assert.equal(seen[1]!.moment - seen[0]!.moment, 50);
  const { stats } = plaza;
  assert.deepEqual([stats.frames, stats.keyframes, stats.gaps, stats.stale], [60, 1, 0, 0]);
  assert(stats.ratio > 1 && stats.bytesPerSecond > 0);
  assert.deepEqual(plaza.entities(performance.now() + 1000).map((e) => e.id), [...seen.at(-1)!.table.ids]);
});

test('what comes before the answer to EnterZone is not lost', async (t) => {
  const { socket, plaza, seen } = await spectating(t, [keyMessage(1, golden[0]!), frameMessage(1, golden[1]!)]);
  assert.equal(plaza.stats.frames, 2);
  socket.tellBytes(frameMessage(1, golden[2]!));
  assert.equal(seen[0]?.seq, 3);
});

test('a missing frame has a keyframe asked for, once', async (t) => {
  const { socket, plaza, seen } = await spectating(t);
  socket.tellBytes(keyMessage(1, golden[0]!));
  for (const f of golden.slice(2, 20)) socket.tellBytes(frameMessage(1, f));
  assert.deepEqual((await socket.expect('resync')).resync, { stream: 1 });
  assert.deepEqual(socket.sent.filter((f) => 'resync' in f), []);
  assert.deepEqual([seen.length, plaza.stats.gaps], [1, 1]);
  socket.tellBytes(keyMessage(1, golden[0]!));
  socket.tellBytes(frameMessage(1, golden[1]!));
  assert.deepEqual(seen.map((f) => f.seq), [1, 1, 2]);
});

test('frames that are seen a second time are passed over', async (t) => {
  const { socket, plaza, seen } = await spectating(t);
  socket.tellBytes(keyMessage(1, golden[0]!));
  for (const f of [1, 2, 2, 1, 3]) socket.tellBytes(frameMessage(1, golden[f]!));
  assert.deepEqual(seen.map((f) => f.seq), [1, 2, 3, 4]);
  assert.equal(plaza.stats.stale, 2);
});

test('frames of streams that are over, or were never begun, are nobody’s', async (t) => {
  const { socket, plaza, seen } = await spectating(t);
  socket.tellBytes(keyMessage(1, golden[0]!));
  socket.tell({ worldGone: { streams: [1] } });
  socket.tellBytes(frameMessage(1, golden[1]!));
  socket.tellBytes(frameMessage(77, golden[1]!));
  socket.tellBytes(keyMessage(2, golden[0]!, 'elsewhere'));
  assert.deepEqual([seen.length, plaza.stats.gaps], [1, 0]);
});

test('rubbish has a keyframe asked for, and the last table stays', async (t) => {
  const { socket, plaza } = await spectating(t);
  socket.tellBytes(keyMessage(1, golden[0]!));
  for (const f of golden.slice(1, 40)) socket.tellBytes(frameMessage(1, f));
  const before = plaza.entities(performance.now() + 1000).length;
  socket.tellBytes(frameMessage(1, Uint8Array.from({ length: 40 }, (_, i) => i * 7)));
  assert.deepEqual((await socket.expect('resync')).resync, { stream: 1 });
  assert.equal(plaza.entities(performance.now() + 1000).length, before);
  assert(before > 0);
});

test('streams end with their connection', async (t) => {
  const { server, socket, plaza, seen } = await spectating(t);
  for (const [i, f] of golden.slice(0, 3).entries()) socket.tellBytes(i === 0 ? keyMessage(1, f) : frameMessage(1, f));
  seen.length = 0;
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  next.answer(await next.expect('enterZone'), entered);
  next.tellBytes(frameMessage(1, golden[1]!));
  assert.deepEqual([seen.length, plaza.stats.gaps], [0, 0]);
  // The next gateway may be behind the last one, and its numbers are its own.
  next.tellBytes(keyMessage(1, golden[0]!));
  next.tellBytes(frameMessage(1, golden[1]!));
  assert.deepEqual(seen.map((f) => f.seq), [1, 2]);
});
