import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, type Entity, type Frame, RefusedError, type Zone } from '../../src/index.js';
import { connect, Disturbed, stage, until } from './stage.js';

/** Waits until a zone shows something; looks at each frame. */
function shows(zone: Zone, isSo: (entities: Entity[]) => boolean): Promise<void> {
  return until(
    (look) => zone.on('frame', look),
    // What has arrived is shown a little later: this is what will be.
    () => isSo(zone.entities(performance.now() + zone.bufferMs)),
  );
}

function own(entities: Entity[]): Entity | undefined {
  return entities.find((e) => e.self);
}

function near(e: Entity | undefined, x: number, y: number): boolean {
  return e !== undefined && Math.hypot(e.x - x, e.y - y) < 0.5;
}

async function code(p: Promise<unknown>): Promise<string> {
  try {
    await p;
  } catch (error) {
    if (error instanceof RefusedError) return error.code;
    throw error;
  }
  return 'none';
}

test('a zone is entered, walked in, and left', async (t) => {
  await stage('zone', { name: 'garden', width: 60, height: 40, speed: 20, bots: 5 });
  const [ann, bob] = [await connect(t, 'ann'), await connect(t, 'bob')];
  const info = (await ann.listZones('gar'))[0];
  assert.deepEqual([info?.name, info?.width, info?.hz, info?.maxSpeed], ['garden', 60, 20, 20]);
  const garden = await ann.enterZone('garden');
  assert(garden.entity > 0 && garden.owner !== '');
  await shows(garden, (all) => own(all) !== undefined && all.length === 6);

  const met = until((look) => garden.chat.on('presence', look), () => garden.chat.people.length === 2);
  const bobs = await bob.enterZone('garden');
  await met;
  assert.deepEqual(garden.chat.people.map((p) => [p.player, p.entity]), [['ann', garden.entity], ['bob', bobs.entity]]);
  await shows(garden, (all) => all.some((e) => e.player === 'bob' && !e.self));

  garden.walk(10, 10);
  bobs.walk(10.5, 10);
  await Promise.all([shows(garden, (all) => near(own(all), 10, 10)), shows(bobs, (all) => near(own(all), 10.5, 10))]);
  await garden.strike(bobs.entity);
  await shows(bobs, (all) => own(all)!.hp === 900);

  const left = until((look) => garden.chat.on('presence', look), () => garden.chat.people.length === 1);
  await bobs.leave();
  await left;
  await shows(garden, (all) => !all.some((e) => e.id === bobs.entity));
  assert.equal(bob.zones.size, 0);
});

test('cheats are cut to what is allowed, and nonsense is refused', async (t) => {
  await stage('zone', { name: 'yard', width: 20, height: 20 });
  const ann = await connect(t, 'ann');
  const yard = await ann.enterZone('yard');
  yard.steer(1000, 0);
  await shows(yard, (all) => own(all) !== undefined && own(all)!.x === 20);
  assert(yard.stats.clamped > 0);
  assert.throws(() => yard.steer(NaN, 0), { name: 'RangeError' });
  assert.throws(() => yard.walk(0, Infinity), { name: 'RangeError' });
  assert.equal(await code(yard.strike(123_456)), 'NOT_FOUND');
  assert.equal(await code(ann.enterZone('nowhere')), 'NOT_FOUND');
  assert.equal(await code(ann.enterZone('No Zone')), 'INVALID_ARGUMENT');
  assert.deepEqual([...ann.zones.keys()], ['yard']);
  const names = ['yard-1', 'yard-2', 'yard-3', 'yard-4'];
  for (const name of names) await stage('zone', { name, width: 20, height: 20 });
  for (const name of names.slice(0, 3)) await ann.enterZone(name);
  assert.equal(await code(ann.enterZone('yard-4')), 'LIMIT_REACHED');
});

test('a full zone takes nobody in, but can be looked at', async (t) => {
  await stage('zone', { name: 'cabin', width: 20, height: 20, players: 1 });
  const [ann, bob] = [await connect(t, 'ann'), await connect(t, 'bob')];
  const cabin = await ann.enterZone('cabin');
  assert.equal(await code(bob.enterZone('cabin')), 'LIMIT_REACHED');
  const window = await bob.enterZone('cabin', { spectate: true });
  assert.equal(window.entity, 0);
  await shows(window, (all) => all.length === 1 && all[0]!.id === cabin.entity);
});

test('who walks through the cells of a zone sees what is around, without a gap', async (t) => {
  await stage('zone', { name: 'road', width: 400, height: 10, cell: 10, speed: 30 });
  const [ann, bob] = [await connect(t, 'ann'), await connect(t, 'bob')];
  const road = await ann.enterZone('road');
  const watch = await bob.enterZone('road', { spectate: true, at: { x: 395, y: 5 } });
  await shows(road, (all) => own(all) !== undefined);
  const start = own(road.entities())!.x;
  const goal = start < 200 ? start + 60 : start - 60;
  const cells = new Set<number>();
  let missing = 0;
  road.on('frame', (f) => {
    cells.add(f.cell);
    if (own(road.entities()) === undefined) missing++;
  });
  road.walk(goal, 5);
  await watch.look(goal, 5);
  await Promise.all([
    shows(road, (all) => near(own(all), goal, 5)),
    shows(watch, (all) => all.some((e) => e.id === road.entity && near(e, goal, 5))),
  ]);
  assert.equal(missing, 0);
  assert(cells.size >= 8, `${cells.size} cells`);
});

test('chat is heard, read again after a reconnect, and limited', async (t) => {
  await stage('zone', { name: 'pub', width: 20, height: 20 });
  const [ann, bob] = [await connect(t, 'ann'), await connect(t, 'bob', { webSocket: Disturbed, reconnectMinMs: 1 })];
  const [anns, bobs] = [await ann.enterZone('pub'), await bob.enterZone('pub')];
  const heard = (texts: string[]): Promise<void> =>
    until((look) => bobs.chat.on('line', look), () => texts.every((text) => bobs.chat.lines.some((l) => l.text === text && l.player === 'ann')));
  const first = heard(['hello']);
  await anns.chat.say('hello');
  await first;
  const second = heard(['are you', 'there?']);
  Disturbed.cut();
  await Promise.all(['are you', 'there?'].map((text) => anns.chat.say(text)));
  await second;
  assert.deepEqual(bobs.chat.lines.map((l) => l.id), [1, 2, 3]);
  assert.equal(await code(anns.chat.say('x'.repeat(501))), 'INVALID_ARGUMENT');
  assert.equal(await code(anns.chat.say('two\nlines')), 'INVALID_ARGUMENT');
  const flood = Array.from({ length: 10 }, (_, i) => anns.chat.say(`flood ${i}`, { timeoutMs: 300 }));
  const settled = await Promise.allSettled(flood);
  assert(settled.some((s) => s.status === 'rejected' && s.reason.name === 'DeadlineError' && s.reason.cause.code === 'RATE_LIMITED'));
});

test('groups begin with their first member', async (t) => {
  const [ann, bob] = [await connect(t, 'ann'), await connect(t, 'bob')];
  const owls = await ann.joinGroup('owls');
  const met = until((look) => owls.chat.on('presence', look), () => owls.chat.total === 2);
  const bobs = await bob.joinGroup('owls');
  await met;
  const heard = until((look) => owls.chat.on('line', look), () => owls.chat.lines.at(-1)?.text === 'hoo');
  assert.equal(await bobs.chat.say('hoo'), 1);
  await heard;
  await bobs.leave();
  assert.equal(await code(bobs.chat.say('gone')), 'NOT_FOUND');
});

/** The longest pause between frames while something is done, and until it shows. */
async function longestPause(zone: Zone, during: () => Promise<unknown>): Promise<number> {
  let [last, longest] = [performance.now(), 0];
  const off = zone.on('frame', () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  });
  await during();
  off();
  return longest;
}

/** Walks there and back until told otherwise. */
async function wander(client: Client, name: string): Promise<Zone> {
  const zone = await client.enterZone(name);
  const places = [{ x: 5, y: 5 }, { x: 55, y: 35 }];
  let next = 0;
  zone.walk(5, 5);
  zone.on('frame', () => {
    const place = places[next % 2]!;
    if (near(own(zone.entities()), place.x, place.y)) next++;
    zone.walk(places[next % 2]!.x, places[next % 2]!.y);
  });
  await shows(zone, (all) => own(all)?.state === 1);
  return zone;
}

test('a zone that moves to another node changes its owner, and nothing else', async (t) => {
  await stage('zone', { name: 'deck', width: 60, height: 40, bots: 10 });
  const ann = await connect(t, 'ann');
  const deck = await wander(ann, 'deck');
  const entity = deck.entity;
  const pauses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = own(deck.entities(performance.now() + deck.bufferMs))!;
    const { x, y } = before;
    let to = '';
    const pause = await longestPause(deck, async () => {
      to = await stage('move', { kind: 'zone', id: 'deck' });
      if (deck.owner !== to) await until((look) => deck.on('owner', look), () => deck.owner === to);
      await shows(deck, (all) => own(all)!.state === 1 && Math.hypot(own(all)!.x - x, own(all)!.y - y) > 2);
    });
    pauses.push(Math.round(pause));
  }
  t.diagnostic(`pauses: ${pauses.join(', ')} ms`);
  assert.equal(deck.entity, entity);
  assert(Math.max(...pauses) < 1_000, `pauses: ${pauses.join(', ')} ms`);
});

test('a zone whose owner is killed goes on', async (t) => {
  await stage('zone', { name: 'raft', width: 60, height: 40, bots: 10 });
  const ann = await connect(t, 'ann', { reconnectMinMs: 1, reconnectMaxMs: 100 });
  const raft = await wander(ann, 'raft');
  const { entity } = raft;
  let victim = '';
  const pause = await longestPause(raft, async () => {
    victim = await stage('kill', { kind: 'zone', id: 'raft' });
    await until((look) => raft.on('frame', look), () => raft.owner !== victim);
    await shows(raft, (all) => own(all)?.state === 1);
  });
  t.diagnostic(`${victim} was killed; the longest pause was ${Math.round(pause)} ms`);
  assert.equal(raft.entity, entity);
  assert(pause < 5_000, `the longest pause was ${Math.round(pause)} ms`);
  await stage('start', { node: victim });
});

test('a zone that is closed is over', async (t) => {
  await stage('zone', { name: 'tent', width: 20, height: 20 });
  const ann = await connect(t, 'ann');
  const tent = await ann.enterZone('tent');
  const left = new Promise((resolve) => tent.on('left', resolve));
  await stage('close', { name: 'tent' });
  assert((await left) instanceof Error);
  assert.equal(ann.zones.size, 0);
});

/** The same digest as the one in Go. */
function digest({ length, ids, values }: Frame['table']): number {
  const stride = values.length === 0 ? 0 : 5;
  let sum = 2166136261;
  for (let i = 0; i < length; i++) {
    sum = Math.imul(sum ^ ids[i]!, 16777619);
    for (let f = 0; f < stride; f++) sum = Math.imul(sum ^ values[i * stride + f]!, 16777619);
  }
  return sum >>> 0;
}

test('Go and TypeScript see the same, tick by tick, with joins, leaves and gaps', { timeout: 120_000 }, async (t) => {
  const hz = 60;
  await stage('zone', { name: 'arena', width: 60, height: 40, cell: 20, hz, bots: 30 });
  await stage('watch', { zone: 'arena' });
  const viewer = await connect(t, 'viewer', { webSocket: Disturbed });
  const arena = await viewer.enterZone('arena', { spectate: true });
  const frames: string[] = [];
  const ticks = new Set<number>();
  arena.on('frame', (f) => {
    ticks.add(f.tick);
    frames.push(`${f.cell}/${f.epoch}/${f.seq}/${f.tick} ${digest(f.table)}`);
  });
  // Every hundredth message is lost.
  let count = 0;
  Disturbed.loses = () => ++count % 100 === 0;
  t.after(() => (Disturbed.loses = () => false));

  const players = await Promise.all(['ann', 'bob', 'cid'].map((name) => connect(t, name)));
  let visits = 0;
  let over = false;
  const visiting = players.map(async (player) => {
    while (!over) {
      const zone = await player.enterZone('arena');
      visits++;
      zone.walk(30, 20);
      const until = ticks.size + hz;
      await shows(zone, () => over || ticks.size >= until);
      await zone.leave();
    }
  });
  await until((look) => arena.on('frame', look), () => ticks.size > 1_000);
  over = true;
  await Promise.all(visiting);
  const both = Number(await stage('compare', { frames: frames.join('\n') }));
  t.diagnostic(`${ticks.size} ticks, ${frames.length} frames, ${both} of them seen by both; ${visits} visits, ${arena.stats.gaps} gaps`);
  assert(both > 0.95 * frames.length && visits >= 6 && arena.stats.gaps >= 5);
});
