import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Zone } from '../src/index.js';
import { assertRefused, FakeServer, type FakeSocket, once } from './fake.js';

const fields = [{ name: 'x', kind: 'FIELD_KIND_POSITION', bits: 20 }];
const entered = { zone: { name: 'plaza', width: 60, height: 40, hz: 20, maxSpeed: 6 }, entity: 7, fields, owner: 'a', players: 2 };

type T = Parameters<FakeServer['connect']>[0];

/** Answers what entering asks for. */
async function admit(socket: FakeSocket, more: object = {}): Promise<void> {
  socket.answer(await socket.expect('enterZone'), { entered: { ...entered, ...more } });
  socket.answer(await socket.expect('readChat'), { chatHistory: {} });
  socket.answer(await socket.expect('who'), { present: { total: 1, people: [{ player: 'ann', entity: 7 }] } });
}

async function inPlaza(t: T): Promise<{ server: FakeServer; socket: FakeSocket; plaza: Zone }> {
  const server = new FakeServer();
  const [client, socket] = await server.connect(t);
  const entering = client.enterZone('plaza');
  await admit(socket);
  return { server, socket, plaza: await entering };
}

test('a zone is what the server says it is', async (t) => {
  const { plaza } = await inPlaza(t);
  assert.deepEqual([plaza.info.width, plaza.entity, plaza.owner, plaza.fields], [60, 7, 'a', [{ name: 'x', kind: 'POSITION', bits: 20 }]]);
  assert.deepEqual(plaza.entities(), []);
});

test('the first wish is sent at once, and then the newest', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  plaza.steer(1, 0);
  const first = await socket.expect('intent');
  assert.deepEqual(first.intent, { zone: 'plaza', steer: { vx: 1, vy: 0 } });
  for (let i = 2; i < 50; i++) plaza.steer(i, 0);
  plaza.walk(3, 4);
  socket.answer(first, { intended: { clamped: true } });
  const second = await socket.expect('intent');
  assert.deepEqual(second.intent, { zone: 'plaza', walk: { to: { x: 3, y: 4 } } });
  assert.equal(plaza.stats.clamped, 1);
  plaza.walk(3, 4); // nothing new
  socket.answer(second, { intended: {} });
  assert.deepEqual(socket.sent.filter((f) => 'intent' in f), []);
});

test('a wish that came too soon is sent when the server says, or a newer one', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  plaza.steer(1, 0);
  socket.refuse(await socket.expect('intent'), 'RATE_LIMITED', 250);
  const start = performance.now();
  const again = await socket.expect('intent');
  assert.equal(again.intent.steer.vx, 1);
  assert(performance.now() - start > 240);
  socket.refuse(again, 'RATE_LIMITED', 1);
  plaza.steer(2, 0);
  assert.equal((await socket.expect('intent')).intent.steer.vx, 2);
});

test('a wish that is refused is told', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  const refused = once<Error>((listener) => plaza.on('refused', listener));
  plaza.steer(1, 0);
  socket.refuse(await socket.expect('intent'), 'NOT_FOUND');
  assert.equal(((await refused) as { code?: string }).code, 'NOT_FOUND');
});

test('what is no number is not sent', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  assert.throws(() => plaza.steer(NaN, 0), { name: 'RangeError' });
  assert.throws(() => plaza.walk(0, -Infinity), { name: 'RangeError' });
  assert.deepEqual(socket.sent.filter((f) => 'intent' in f), []);
});

test('a new owner is told, and hears where the player wants to go', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  plaza.walk(3, 4);
  socket.answer(await socket.expect('intent'), { intended: {} });
  const moved = once<string>((listener) => plaza.on('owner', listener));
  socket.tell({ zoneOwner: { zone: 'plaza', node: 'b' } });
  assert.equal(await moved, 'b');
  assert.deepEqual((await socket.expect('intent')).intent.walk, { to: { x: 3, y: 4 } });
});

test('a zone is entered again on the next connection, and so is the wish', async (t) => {
  const { server, socket, plaza } = await inPlaza(t);
  plaza.walk(3, 4);
  await socket.expect('intent'); // never answered
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  const again = once<Zone>((listener) => plaza.on('entered', listener));
  await admit(next, { entity: 9 });
  assert.equal((await again).entity, 9);
  assert.deepEqual((await next.expect('intent')).intent.walk, { to: { x: 3, y: 4 } });
});

test('a zone is entered once more, however often the connection drops meanwhile', async (t) => {
  const { server, socket } = await inPlaza(t);
  socket.drop();
  const second = await server.accept();
  await second.welcome();
  await second.expect('enterZone');
  second.drop();
  const third = await server.accept();
  await third.welcome();
  await admit(third);
  assert.deepEqual(third.sent.filter((f) => 'enterZone' in f), []);
});

test('a zone that cannot be entered again is over', async (t) => {
  const { server, socket, plaza } = await inPlaza(t);
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  const left = once<Error | undefined>((listener) => plaza.on('left', listener));
  next.refuse(await next.expect('enterZone'), 'NOT_FOUND');
  assert.equal(((await left) as { code?: string }).code, 'NOT_FOUND');
});

test('a blow is struck once or not at all', async (t) => {
  const { server, socket, plaza } = await inPlaza(t);
  const struck = plaza.strike(8);
  assert.deepEqual((await socket.expect('intent')).intent, { zone: 'plaza', strike: { entity: 8 } });
  socket.drop();
  await assert.rejects(struck, { name: 'DisconnectedError' });
  const next = await server.accept();
  await next.welcome();
  await admit(next);
  assert.deepEqual(next.sent.filter((f) => 'intent' in f), []);
  const limited = plaza.strike(8);
  next.refuse(await next.expect('intent'), 'RATE_LIMITED', 5);
  await assertRefused(limited, 'RATE_LIMITED');
});

test('a zone that was left is not entered again', async (t) => {
  const { server, socket, plaza } = await inPlaza(t);
  const leaving = plaza.leave();
  socket.answer(await socket.expect('leaveZone'), { leftZone: { zone: 'plaza' } });
  await leaving;
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  assert.deepEqual(next.sent.filter((f) => 'enterZone' in f), []);
});

test('a zone that was not entered is not kept', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const entering = client.enterZone('nowhere');
  socket.refuse(await socket.expect('enterZone'), 'NOT_FOUND');
  await assertRefused(entering, 'NOT_FOUND');
  assert.equal(client.zones.size, 0);
});

test('being put out is told', async (t) => {
  const { socket, plaza } = await inPlaza(t);
  const left = once<Error | undefined>((listener) => plaza.on('left', listener));
  socket.tell({ leftZone: { zone: 'plaza' } });
  assert((await left) instanceof Error);
});
