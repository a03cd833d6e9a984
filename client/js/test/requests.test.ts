import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../src/index.js';
import { assertRefused, FakeServer, once } from './fake.js';

test('connecting says Hello with the token and takes the Welcome', async (t) => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: 'ws://fake/v1/ws', token: async () => 'T', name: 'demo/1', webSocket: server.WebSocket });
  const socket = await server.accept();
  const hello = await socket.welcome({ nextRequest: '8' });
  const client = await connecting;
  t.after(() => client.close());
  assert.deepEqual(socket.protocols, ['holdfast.v1.json']);
  assert.deepEqual(hello, { seq: '1', hello: { token: 'T', client: 'demo/1' } });
  assert.equal(client.player, 'ann');
  assert.equal(client.welcome.nextRequest, 8);
  assert.equal(client.state, 'open');
});

test('a Hello that is refused ends the attempt', async () => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: 'ws://fake', token: 'T', webSocket: server.WebSocket });
  const socket = await server.accept();
  socket.onopen?.({});
  socket.refuse(await socket.expect('hello'), 'UNAUTHENTICATED');
  await assertRefused(connecting, 'UNAUTHENTICATED');
  assert.equal(socket.closedBy, 'client');
});

test('the next URL is tried when the first has no gateway', async (t) => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: ['ws://a', 'ws://b'], token: 'T', webSocket: server.WebSocket });
  (await server.accept()).drop();
  const second = await server.accept();
  await second.welcome();
  t.after(() => client.close());
  const client = await connecting;
  assert.equal(second.url, 'ws://b');
});

test('an error is enough to know that there is no gateway', async () => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: 'ws://a', token: 'T', webSocket: server.WebSocket });
  (await server.accept()).onerror?.({});
  await assert.rejects(connecting, { name: 'DisconnectedError' });
});

test('no Welcome in time is an error', async () => {
  const server = new FakeServer();
  const connecting = Client.connect({ url: 'ws://a', token: 'T', webSocket: server.WebSocket, dialTimeoutMs: 5 });
  await assert.rejects(connecting, { name: 'DeadlineError' });
});

test('options that cannot work are named', async () => {
  const { WebSocket } = new FakeServer();
  for (const [wrong, name] of [
    [{ token: undefined }, /^TypeError: token/],
    [{ url: [] }, /^TypeError: url/],
    [{ dialTimeoutMs: 0 }, /^TypeError: dialTimeoutMs/],
    [{ requestTimeoutMs: NaN }, /^TypeError: requestTimeoutMs/],
    [{ reconnectMinMs: 10, reconnectMaxMs: 5 }, /^TypeError: reconnectMinMs/],
  ] as const) {
    const o = { url: 'ws://a', token: 'T', webSocket: WebSocket, ...wrong };
    await assert.rejects(Client.connect(o as never), name);
  }
});

test('answers are matched by number, not by order', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const catalog = client.catalog('sword');
  const player = client.getPlayer();
  const first = await socket.expect('listCatalog');
  const second = await socket.expect('getPlayer');
  socket.answer(second, { player: { id: 'ann', wallet: { gold: '100' }, nextRequest: '8' } });
  socket.answer(first, { catalog: { version: '42', products: [{ sku: 'sword', price: '10', saleStart: '2026-11-27T18:00:00.250Z' }] } });
  assert.deepEqual((await player).wallet, { gold: 100 });
  const [sword] = (await catalog).products;
  assert.equal(sword?.price, 10);
  assert.equal(sword?.saleStart?.getTime(), Date.UTC(2026, 10, 27, 18, 0, 0, 250));
});

test('a refusal that is final is thrown', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const bought = client.buy({ sku: 'sword', quantity: 1 });
  socket.refuse(await socket.expect('buy'), 'SOLD_OUT');
  await assertRefused(bought, 'SOLD_OUT');
});

test('a refusal that is unsettled is asked again, with the same number', async (t) => {
  const [client, socket] = await new FakeServer().connect(t, {}, { nextRequest: '8' });
  const bought = client.buy({ sku: 'sword', quantity: 2, maxPrice: 10 });
  const bodies = [];
  for (const code of ['RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE']) {
    const frame = await socket.expect('buy');
    bodies.push(frame.buy);
    socket.refuse(frame, code, 1);
  }
  const last = await socket.expect('buy');
  bodies.push(last.buy);
  socket.answer(last, { bought: { order: { id: 'ann/8', request: '8', state: 'ORDER_STATE_GRANTED' }, balance: '80' } });
  assert.deepEqual(bodies, Array(4).fill({ request: '8', sku: 'sword', quantity: '2', maxPrice: '10' }));
  assert.deepEqual((await bought).balance, 80);
  assert.deepEqual((await bought).order.state, 'GRANTED');
});

test('the server says how long to wait before asking again', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const asked = client.getPlayer();
  socket.refuse(await socket.expect('getPlayer'), 'OVERLOADED', 150);
  const start = performance.now();
  socket.answer(await socket.expect('getPlayer'), { player: {} });
  assert(performance.now() - start > 140);
  await asked;
});

test('patience ends with the refusal that kept the request waiting', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const bought = client.buy({ sku: 'sword', quantity: 1 }, { timeoutMs: 20 });
  socket.refuse(await socket.expect('buy'), 'OVERLOADED', 10_000);
  await assert.rejects(bought, (e: Error & { cause?: { code?: string } }) => e.name === 'DeadlineError' && e.cause?.code === 'OVERLOADED');
});

test('a signal ends the wait', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const controller = new AbortController();
  const asked = client.getPlayer({ signal: controller.signal });
  const frame = await socket.expect('getPlayer');
  controller.abort(new Error('enough'));
  await assert.rejects(asked, /enough/);
  socket.answer(frame, { player: {} }); // late, and nobody's
  await assert.rejects(client.getPlayer({ signal: controller.signal }), /enough/);
});

test('no more is under way than the server allows', async (t) => {
  const [client, socket] = await new FakeServer().connect(t, {}, { limits: { maxInFlight: 2 } });
  const asked = [client.getPlayer(), client.getPlayer(), client.getPlayer()];
  const first = await socket.expect('getPlayer');
  await socket.expect('getPlayer');
  assert.deepEqual(socket.sent, []);
  socket.answer(first, { player: {} });
  await asked[0];
  await socket.expect('getPlayer');
  asked.slice(1).forEach((p) => p.catch(() => {})); // closed by the end of the test
});

test('an answer of the wrong kind is a protocol error', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const asked = client.getPlayer();
  socket.answer(await socket.expect('getPlayer'), { pong: {} });
  await assert.rejects(asked, { name: 'ProtocolError' });
});

test('a message that cannot be read is passed over', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const trouble = once<unknown>((listener) => client.on('trouble', listener));
  socket.onmessage?.({ data: '{"seq":' });
  assert.equal(((await trouble) as Error).name, 'SyntaxError');
  const asked = client.ping();
  socket.answer(await socket.expect('ping'), { pong: { serverTime: new Date().toISOString() } });
  assert(await asked >= 0);
});

test('amounts that a number cannot hold are refused, not rounded', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const asked = client.getPlayer();
  socket.answer(await socket.expect('getPlayer'), { player: { wallet: { gold: '9007199254740993' } } });
  await assert.rejects(asked, /too large/);
  await assert.rejects(client.buy({ sku: 'sword', quantity: 0.5 }), { name: 'RangeError' });
});

test('closing fails what waits and what comes', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const asked = client.getPlayer();
  await socket.expect('getPlayer');
  client.close();
  await assert.rejects(asked, { name: 'ClosedError' });
  await assert.rejects(client.getPlayer(), { name: 'ClosedError' });
  assert.equal(client.state, 'closed');
  assert.equal(socket.closedBy, 'client');
});

test('calls carry bytes both ways', async (t) => {
  const [client, socket] = await new FakeServer().connect(t);
  const called = client.call('guild', 'owls', 'Join', Uint8Array.of(8, 1), 1);
  const frame = await socket.expect('call');
  assert.deepEqual(frame.call, { kind: 'guild', id: 'owls', method: 'Join', request: '1', payload: 'CAE=' });
  socket.answer(frame, { result: { payload: 'CAw=' } });
  assert.deepEqual([...(await called)], [8, 12]);
});
