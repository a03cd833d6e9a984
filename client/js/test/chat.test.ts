import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatLine, Group, Presence } from '../src/index.js';
import { assertRefused, FakeServer, type FakeSocket, once } from './fake.js';

type T = Parameters<FakeServer['connect']>[0];

/** A client in a group in which bob has said "hello" as line 1. */
async function joined(t: T): Promise<{ server: FakeServer; socket: FakeSocket; group: Group }> {
  const server = new FakeServer();
  const [client, socket] = await server.connect(t);
  const joining = client.joinGroup('owls');
  socket.answer(await socket.expect('joinGroup'), { joinedGroup: { group: 'owls', members: 2 } });
  const read = await socket.expect('readChat');
  assert.deepEqual(read.readChat, { channel: 'group/owls', after: '0' });
  socket.answer(read, { chatHistory: { lines: [line(1, 'bob', 'hello')] } });
  socket.answer(await socket.expect('who'), { present: { total: 2, people: [{ player: 'bob' }, { player: 'ann' }] } });
  return { server, socket, group: await joining };
}

function line(id: number, player: string, text: string): object {
  return { channel: 'group/owls', id: String(id), player, text, at: '2026-11-27T18:00:00Z' };
}

test('a group has its history and its members', async (t) => {
  const { group } = await joined(t);
  assert.deepEqual(group.chat.lines.map((l) => l.text), ['hello']);
  assert.deepEqual(group.chat.people.map((p) => p.player), ['ann', 'bob']);
  assert.equal(group.chat.total, 2);
});

test('lines are heard once, in order, and those that are missing are read', async (t) => {
  const { socket, group } = await joined(t);
  const heard: number[] = [];
  group.chat.on('line', (l) => void heard.push(l.id));
  socket.tell({ chat: line(2, 'bob', 'two') });
  socket.tell({ chat: line(2, 'bob', 'two') });
  socket.tell({ chat: line(5, 'bob', 'five') });
  const read = await socket.expect('readChat');
  assert.equal(read.readChat.after, '2');
  const last = new Promise<void>((resolve) => group.chat.on('line', (l) => l.id === 4 && resolve()));
  socket.answer(read, { chatHistory: { lines: [line(3, 'bob', 'three'), line(4, 'bob', 'four'), line(5, 'bob', 'five')] } });
  await last;
  assert.deepEqual(heard, [2, 5, 3, 4]);
  assert.deepEqual(group.chat.lines.map((l) => l.id), [1, 2, 3, 4, 5]);
});

test('no more than the last hundred lines are kept', async (t) => {
  const { socket, group } = await joined(t);
  for (let id = 2; id <= 150; id++) socket.tell({ chat: line(id, 'bob', 'again') });
  assert.equal(group.chat.lines.length, 100);
  assert.equal(group.chat.lines[0]?.id, 51);
});

test('what is said is numbered upwards, one after the other, and said again under its number', async (t) => {
  const { server, socket, group } = await joined(t);
  const [first, second] = [group.chat.say('one'), group.chat.say('two')];
  const frame = await socket.expect('say');
  assert(Math.abs(Number(frame.say.request) - Date.now()) < 60_000, frame.say.request);
  assert.deepEqual(socket.sent, []);
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  const again = await next.expect('say');
  assert.deepEqual(again, frame);
  next.answer(again, { said: { id: '2' } });
  const last = await next.expect('say');
  assert.equal(last.say.text, 'two');
  assert(Number(last.say.request) > Number(frame.say.request));
  next.answer(last, { said: { id: '3' } });
  assert.deepEqual(await Promise.all([first, second]), [2, 3]);
});

test('a number that another device has passed is replaced once', async (t) => {
  const { socket, group } = await joined(t);
  const said = group.chat.say('one');
  const first = await socket.expect('say');
  socket.refuse(first, 'EXPIRED_REQUEST');
  const second = await socket.expect('say');
  assert(Number(second.say.request) > Number(first.say.request));
  socket.refuse(second, 'EXPIRED_REQUEST');
  await assertRefused(said, 'EXPIRED_REQUEST');
});

test('people come and go', async (t) => {
  const { socket, group } = await joined(t);
  const heard = once<Presence>((listener) => group.chat.on('presence', listener));
  socket.tell({ presence: { channel: 'group/owls', joined: [{ player: 'cid' }], left: [{ player: 'bob' }], total: 2 } });
  assert.deepEqual((await heard).joined, [{ player: 'cid', entity: 0 }]);
  assert.deepEqual(group.chat.people.map((p) => p.player), ['ann', 'cid']);
});

test('news that do not add up have everybody asked for', async (t) => {
  const { socket, group } = await joined(t);
  socket.tell({ presence: { channel: 'group/owls', joined: [{ player: 'cid' }], total: 4 } });
  socket.answer(await socket.expect('who'), { present: { total: 4, people: ['ann', 'bob', 'cid', 'dan'].map((player) => ({ player })) } });
  const told = await once<Presence>((listener) => group.chat.on('presence', listener));
  assert.deepEqual(told.joined, [{ player: 'dan', entity: 0 }]);
  assert.deepEqual(socket.sent, []);
});

test('after a reconnect the group is joined again, and what was missed is told', async (t) => {
  const { server, socket, group } = await joined(t);
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  next.answer(await next.expect('joinGroup'), { joinedGroup: { group: 'owls', members: 2 } });
  const read = await next.expect('readChat');
  assert.equal(read.readChat.after, '1');
  const heard = once<ChatLine>((listener) => group.chat.on('line', listener));
  const met = once<Presence>((listener) => group.chat.on('presence', listener));
  // This presence is newer than the answer that is under way.
  next.tell({ presence: { channel: 'group/owls', joined: [{ player: 'dan' }], total: 3 } });
  assert.deepEqual((await met).joined, [{ player: 'dan', entity: 0 }]);
  const replaced = once<Presence>((listener) => group.chat.on('presence', listener));
  next.answer(read, { chatHistory: { lines: [line(2, 'bob', 'missed')] } });
  next.answer(await next.expect('who'), { present: { total: 2, people: [{ player: 'ann' }, { player: 'eve' }] } });
  assert.equal((await heard).text, 'missed');
  assert.deepEqual((await replaced).left, [{ player: 'bob', entity: 0 }]);
  assert.deepEqual(group.chat.people.map((p) => p.player), ['ann', 'dan', 'eve']);
  assert.equal(group.chat.total, 3);
});

test('a group that was left is not joined again', async (t) => {
  const { server, socket, group } = await joined(t);
  const left = group.leave();
  socket.answer(await socket.expect('leaveGroup'), { leftGroup: { group: 'owls' } });
  await left;
  socket.drop();
  const next = await server.accept();
  await next.welcome();
  assert.deepEqual(next.sent, []);
});
