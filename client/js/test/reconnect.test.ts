import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../src/index.js';
import { assertRefused, FakeServer, type FakeSocket, once } from './fake.js';

test('what was not answered is sent again, in its order and under its numbers', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t, {}, { nextRequest: '8' });
  const bought = client.buy({ sku: 'sword', quantity: 1 });
  const again = client.buy({ sku: 'bow', quantity: 1 });
  const frames = [await first.expect('buy'), await first.expect('buy')];
  first.drop();
  assert.equal(client.state, 'reconnecting');
  const second = await server.accept();
  await second.welcome({ nextRequest: '8' });
  const resent = [await second.expect('buy'), await second.expect('buy')];
  assert.deepEqual(resent, frames);
  assert.deepEqual(resent.map((f) => f.buy.request), ['8', '9']);
  for (const f of resent) second.answer(f, { bought: { order: { sku: f.buy.sku }, balance: '1' } });
  assert.equal((await bought).order.sku, 'sword');
  assert.equal((await again).order.sku, 'bow');
  assert.equal(client.state, 'open');
});

test('numbers go on from the larger of both counters', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t, {}, { nextRequest: '8' });
  const buy = async (socket: FakeSocket): Promise<string> => {
    const bought = client.buy({ sku: 'sword', quantity: 1 });
    const frame = await socket.expect('buy');
    socket.answer(frame, { bought: {} });
    await bought;
    return frame.buy.request;
  };
  const reconnect = async (from: FakeSocket, nextRequest: string): Promise<FakeSocket> => {
    from.drop();
    const socket = await server.accept();
    const open = once((listener) => client.on('state', listener));
    await socket.welcome({ nextRequest });
    await open;
    return socket;
  };
  assert.equal(await buy(first), '8');
  const second = await reconnect(first, '8'); // it has not heard of the purchase yet
  assert.equal(await buy(second), '9');
  assert.equal(await buy(await reconnect(second, '20')), '20');
});

test('a token is asked for every connection', async (t) => {
  const server = new FakeServer();
  let asked = 0;
  const [, first] = await server.connect(t, { token: () => `T${++asked}` });
  first.drop();
  assert.equal((await (await server.accept()).welcome()).hello.token, 'T2');
});

test('a gateway that refuses for a while is asked again', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t);
  first.drop(1001);
  const second = await server.accept();
  second.onopen?.({});
  second.refuse(await second.expect('hello'), 'UNAVAILABLE', 150);
  const start = performance.now();
  const third = await server.accept();
  assert(performance.now() - start > 140);
  const open = once((listener) => client.on('state', listener));
  await third.welcome();
  assert.equal(await open, 'open');
});

test('a gateway that goes away is left at once', async (t) => {
  const server = new FakeServer();
  const [, first] = await server.connect(t, { reconnectMinMs: 60_000, reconnectMaxMs: 60_000 });
  first.drop(1001);
  await (await server.accept()).welcome();
});

test('a token that is refused is the end', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t);
  const asked = client.getPlayer();
  await first.expect('getPlayer');
  first.drop();
  const second = await server.accept();
  second.onopen?.({});
  second.refuse(await second.expect('hello'), 'UNAUTHENTICATED');
  await assert.rejects(asked, { name: 'ClosedError' });
  assert.equal(client.state, 'closed');
});

test('an error without a close is the end of a connection', async (t) => {
  const server = new FakeServer();
  const [, first] = await server.connect(t);
  first.onerror?.({});
  await (await server.accept()).welcome();
});

test('a connection that closes right after the Welcome is none', async () => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: 'ws://fake', token: 'T', webSocket: server.WebSocket });
  const socket = await server.accept();
  socket.onopen?.({});
  socket.answer(await socket.expect('hello'), { welcome: { player: 'ann' } });
  socket.drop();
  await assert.rejects(connecting, { name: 'DisconnectedError' });
});

test('the watched list is sent again, and its answer is events', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t);
  const watching = client.watch(['sword']);
  first.answer(await first.expect('watch'), { watching: { levels: [{ sku: 'sword', free: '500', state: 'STOCK_STATE_AVAILABLE' }] } });
  assert.deepEqual(await watching, [{ sku: 'sword', free: 500, state: 'AVAILABLE' }]);
  const pushed = once((listener) => client.on('stock', listener));
  first.tell({ stock: { sku: 'sword', free: '20', state: 'STOCK_STATE_LOW' } });
  assert.deepEqual(await pushed, { sku: 'sword', free: 20, state: 'LOW' });
  first.drop();
  const second = await server.accept();
  await second.welcome();
  const resumed = once((listener) => client.on('stock', listener));
  second.answer(await second.expect('watch'), { watching: { levels: [{ sku: 'sword', state: 'STOCK_STATE_SOLD_OUT' }] } });
  assert.deepEqual(await resumed, { sku: 'sword', free: 0, state: 'SOLD_OUT' });
});

test('a list that is being watched anew is sent once, and no older one', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t);
  const watching = client.watch(['sword']);
  first.answer(await first.expect('watch'), { watching: {} });
  await watching;
  const anew = client.watch(['bow']);
  await first.expect('watch');
  first.drop();
  const second = await server.accept();
  await second.welcome();
  const frame = await second.expect('watch');
  assert.deepEqual(frame.watch.skus, ['bow']);
  second.answer(frame, { watching: {} });
  await anew;
  assert.deepEqual(second.sent, []);
});

test('a number that another device has taken is replaced', async (t) => {
  const [client, socket] = await new FakeServer().connect(t, {}, { nextRequest: '8' });
  const bought = client.buy({ sku: 'sword', quantity: 1 });
  socket.refuse(await socket.expect('buy'), 'INVALID_ARGUMENT');
  socket.answer(await socket.expect('getPlayer'), { player: { nextRequest: '12' } });
  const frame = await socket.expect('buy');
  assert.equal(frame.buy.request, '12');
  socket.answer(frame, { bought: {} });
  await bought;
});

test('a purchase that is wrong stays refused', async (t) => {
  const [client, socket] = await new FakeServer().connect(t, {}, { nextRequest: '8' });
  const bought = client.buy({ sku: 'sword', quantity: 5000 });
  socket.refuse(await socket.expect('buy'), 'INVALID_ARGUMENT');
  socket.answer(await socket.expect('getPlayer'), { player: { nextRequest: '8' } });
  await assertRefused(bought, 'INVALID_ARGUMENT');
});

test('a server that is silent is asked, and left when it does not answer', async (t) => {
  const server = new FakeServer();
  const [client, first] = await server.connect(t, {}, { limits: { pingIntervalMs: 20 } });
  first.answer(await first.expect('ping'), { pong: {} });
  await first.expect('ping'); // never answered
  const second = await server.accept();
  await second.welcome();
  assert.equal(first.closedBy, 'client');
  client.close();
});
