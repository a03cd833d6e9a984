import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bought, type Code, RefusedError, type StockLevel } from '../../src/index.js';
import { connect, Disturbed, stage } from './stage.js';

test('a sale from the catalog to the backpack', async (t) => {
  await stage('product', { sku: 'lantern', price: 5, stock: 10, limit: 4 });
  const ann = await connect(t, 'ann');
  const { products } = await ann.catalog('lan');
  assert.deepEqual(products.map((p) => [p.sku, p.price, p.currency, p.limitPerPlayer]), [['lantern', 5, 'gold', 4]]);

  const { balance, order } = await ann.buy({ sku: 'lantern', quantity: 3, maxPrice: 5 });
  assert.deepEqual([order.sku, order.quantity, order.price], ['lantern', 3, 15]);
  assert(order.state === 'GRANTED' || order.state === 'COMPLETED', order.state);
  const player = await ann.getPlayer();
  assert.deepEqual(player.wallet, { gold: balance });
  assert.deepEqual(player.backpack, [{ sku: 'lantern', quantity: 3 }]);
  assert.deepEqual(player.orders.map((o) => o.id), [order.id]);
});

test('refusals have their codes', async (t) => {
  await stage('product', { sku: 'crown', price: 7, stock: 1 });
  const bob = await connect(t, 'bob');
  const codeOf = async (p: Promise<unknown>): Promise<Code | undefined> => {
    try {
      await p;
    } catch (error) {
      if (error instanceof RefusedError) return error.code;
      throw error;
    }
    return undefined;
  };
  assert.equal(await codeOf(bob.buy({ sku: 'crown', quantity: 1, maxPrice: 6 })), 'PRICE_CHANGED');
  assert.equal(await codeOf(bob.buy({ sku: 'crown', quantity: 2 })), 'SOLD_OUT');
  assert.equal(await codeOf(bob.buy({ sku: 'nothing', quantity: 1 })), 'NOT_FOUND');
  assert.equal(await codeOf(bob.buy({ sku: 'crown', quantity: 5000 })), 'INVALID_ARGUMENT');
  assert.equal(await codeOf(bob.watch(['nothing'])), 'NOT_FOUND');
  assert.equal(await codeOf(bob.call('nothing', 'x', 'Do', new Uint8Array())), 'NOT_FOUND');
});

test('the same purchase, however often it is sent, happens once', async (t) => {
  await stage('product', { sku: 'ring', price: 1, stock: 100 });
  const cid = await connect(t, 'cid');
  const purchase = { sku: 'ring', quantity: 1, request: cid.welcome.nextRequest };
  const bought = await Promise.all([1, 2, 3].map(() => cid.buy(purchase)));
  assert.equal(new Set(bought.map((b) => b.order.id)).size, 1);
  assert.deepEqual((await cid.getPlayer()).backpack, [{ sku: 'ring', quantity: 1 }]);
});

test('purchases go through while connections are cut all the time', async (t) => {
  await stage('product', { sku: 'coin', price: 1, stock: 1000 });
  const dan = await connect(t, 'dan', { webSocket: Disturbed, reconnectMinMs: 1, reconnectMaxMs: 50 });
  let cuts = 0;
  const cutter = setInterval(() => {
    cuts += Disturbed.cut();
  }, 20);
  t.after(() => clearInterval(cutter));
  const bought: Bought[] = [];
  for (let i = 0; i < 50; i++) bought.push(...(await Promise.all([1, 2, 3, 4].map(() => dan.buy({ sku: 'coin', quantity: 1 })))));
  clearInterval(cutter);
  t.diagnostic(`${cuts} cuts`);
  assert(cuts > 0);
  assert.equal(new Set(bought.map((b) => b.order.id)).size, 200);
  assert.deepEqual((await dan.getPlayer()).backpack, [{ sku: 'coin', quantity: 200 }]);
});

test('a watched product tells when it is sold out, over a reconnect', async (t) => {
  await stage('product', { sku: 'torch', price: 1, stock: 20 });
  const eve = await connect(t, 'eve', { webSocket: Disturbed, reconnectMinMs: 1 });
  const told: StockLevel[] = [];
  const soldOut = new Promise<void>((resolve) => {
    eve.on('stock', (level) => {
      told.push(level);
      if (level.state === 'SOLD_OUT') resolve();
    });
  });
  const [level] = await eve.watch(['torch']);
  assert.equal(level?.sku, 'torch');
  Disturbed.cut();
  const fay = await connect(t, 'fay');
  for (let i = 0; i < 20; i++) await fay.buy({ sku: 'torch', quantity: 1 });
  await soldOut;
  assert(told.every((l) => l.sku === 'torch'));
});

test('a player who comes back has what was bought, and goes on counting', async (t) => {
  await stage('product', { sku: 'pearl', price: 1, stock: 10 });
  const gus = await connect(t, 'gus');
  await gus.buy({ sku: 'pearl', quantity: 1 });
  gus.close();
  const again = await connect(t, 'gus');
  const { order } = await again.buy({ sku: 'pearl', quantity: 1 });
  assert.equal(order.id, 'gus/2');
  assert.deepEqual((await again.getPlayer()).backpack, [{ sku: 'pearl', quantity: 2 }]);
});

test('a node that is killed takes no purchase with it', async (t) => {
  await stage('product', { sku: 'map', price: 1, stock: 1000 });
  const hal = await connect(t, 'hal', { reconnectMinMs: 1, reconnectMaxMs: 100 });
  const states: string[] = [];
  hal.on('state', (s) => void states.push(s));
  const bought = Array.from({ length: 40 }, () => hal.buy({ sku: 'map', quantity: 1 }));
  const victim = await stage('kill', { kind: 'player', id: 'hal' });
  bought.push(hal.buy({ sku: 'map', quantity: 1 }));
  const orders = await Promise.all(bought);
  t.diagnostic(`killed ${victim}; ${states.join(', ') || 'the connection stayed'}`);
  await stage('start', { node: victim });
  assert.equal(new Set(orders.map((b) => b.order.id)).size, 41);
  assert.deepEqual((await hal.getPlayer()).backpack, [{ sku: 'map', quantity: 41 }]);
});
