import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldInfo, ZoneInfo } from '../src/messages.js';
import { Playout } from '../src/playout.js';
import { Scene, type Sight } from '../src/scene.js';

const zone: ZoneInfo = { name: 'plaza', width: 60, height: 40, cell: 20, hz: 20, maxSpeed: 6, maxPlayers: 100 };
const fields: FieldInfo[] = [
  { name: 'x', kind: 'POSITION', bits: 20 },
  { name: 'y', kind: 'POSITION', bits: 20 },
  { name: 'heading', kind: 'ANGLE', bits: 8 },
  { name: 'hp', kind: 'LEVEL', bits: 10 },
  { name: 'state', kind: 'ENUMERATION', bits: 3 },
];

type Row = [id: number, x: number, y: number, heading?: number, hp?: number, state?: number];

/** A cell whose frames are written down; they arrive at their moment plus delay. */
class Script {
  private readonly ids = new Map<number, Set<number>>();
  readonly scene = new Scene(zone, fields);

  constructor(private readonly delayMs = 0) {}

  frame(moment: number, rows: Row[], { stream = 1, key = false } = {}): void {
    const values = rows.flatMap(([, x, y, heading = 0, hp = 1000, state = 0]) => [x, y, heading, hp, state]);
    const table = { length: rows.length, ids: Uint32Array.from(rows, ([id]) => id), values: Uint32Array.from(values) };
    const sight: Sight = { stream, ids: this.ids.get(stream) ?? new Set(), key, moment, tickMs: 50, table };
    this.scene.take(sight, moment + this.delayMs);
    this.ids.set(stream, sight.ids);
  }

  hide(stream: number): void {
    this.scene.leave({ stream, ids: this.ids.get(stream)! });
    this.ids.delete(stream);
  }

  /** What is shown of the world's moment, as x by id. */
  xs(moment: number): Record<number, number> {
    const now = moment + this.scene.playout.bufferMs + this.delayMs;
    return Object.fromEntries(this.scene.entities(now).map((e) => [e.id, Math.round(e.x * 1000) / 1000]));
  }
}

test('positions are interpolated between ticks', () => {
  const s = new Script(30);
  s.frame(1000, [[7, 100, 200]], { key: true });
  s.frame(1050, [[7, 130, 200]]);
  s.frame(1100, [[7, 160, 200]]);
  assert.deepEqual([1000, 1025, 1050, 1090, 1100].map((m) => s.xs(m)[7]), [1, 1.15, 1.3, 1.54, 1.6]);
  assert.equal(s.xs(1150)[7], 1.6, 'what has not arrived is not made up');
});

test('a cell that says nothing has not moved', () => {
  const s = new Script();
  s.frame(1000, [[7, 100, 0]], { key: true });
  s.frame(2000, [[7, 130, 0]]);
  assert.deepEqual([1500, 1950, 1975, 2000].map((m) => s.xs(m)[7]), [1, 1, 1.15, 1.3]);
});

test('after a keyframe nobody knows what was between', () => {
  const s = new Script();
  s.frame(1000, [[7, 100, 0]], { key: true });
  s.frame(2000, [[7, 300, 0]], { key: true });
  assert.equal(s.xs(1500)[7], 2);
});

test('what was put elsewhere does not glide there', () => {
  const s = new Script();
  s.frame(1000, [[7, 100, 0]], { key: true });
  s.frame(1050, [[7, 3000, 0]]);
  assert.deepEqual([1000, 1025, 1050].map((m) => s.xs(m)[7]), [1, 1, 30]);
});

test('headings turn the short way around', () => {
  const s = new Script();
  s.frame(1000, [[7, 0, 0, 250]], { key: true });
  s.frame(1050, [[7, 0, 0, 6]]);
  s.xs(1025);
  const [e] = s.scene.entities(1025 + s.scene.playout.bufferMs);
  assert.equal(Math.round((e!.heading / (2 * Math.PI)) * 256) % 256, 0);
});

test('amounts and states change at once, at their tick', () => {
  const s = new Script();
  s.frame(1000, [[7, 0, 0, 0, 1000, 1]], { key: true });
  s.frame(1050, [[7, 0, 0, 0, 900, 3]]);
  const at = (moment: number): number[] => s.scene.entities(moment + s.scene.playout.bufferMs).flatMap((e) => [e.hp, e.state]);
  assert.deepEqual([at(1049), at(1050)], [[1000, 1], [900, 3]]);
});

test('who leaves is shown a moment longer', () => {
  const s = new Script();
  s.frame(1000, [[7, 0, 0], [8, 0, 0]], { key: true });
  s.frame(1050, [[8, 0, 0]]);
  assert.deepEqual(Object.keys(s.xs(1299)), ['7', '8']);
  assert.deepEqual(Object.keys(s.xs(1300)), ['8']);
});

test('who changes cells stays in sight when the new one is late', () => {
  const s = new Script();
  s.frame(1000, [[7, 1990, 0]], { stream: 1, key: true });
  s.frame(1000, [], { stream: 2, key: true });
  s.frame(1050, [], { stream: 1 });
  assert.deepEqual(Object.keys(s.xs(1250)), ['7']);
  s.frame(1050, [[7, 2020, 0]], { stream: 2 });
  assert.deepEqual(Object.keys(s.xs(1400)), ['7']);
});

for (const order of ['the new cell first', 'the old cell first']) {
  test(`who changes cells stays in sight: ${order}`, () => {
    const s = new Script();
    s.frame(1000, [[7, 1990, 0]], { stream: 1, key: true });
    s.frame(1000, [], { stream: 2, key: true });
    const frames = [() => s.frame(1050, [[7, 2020, 0]], { stream: 2 }), () => s.frame(1050, [], { stream: 1 })];
    if (order === 'the old cell first') frames.reverse();
    for (const frame of frames) frame();
    assert.equal(s.xs(1050)[7], 20.2);
    s.frame(1100, [[7, 2050, 0]], { stream: 2 });
    assert.deepEqual([1050, 1100].map((m) => s.xs(m)[7]), [20.2, 20.5]);
  });
}

test('what is in a cell that goes out of sight goes with it', () => {
  const s = new Script();
  s.frame(1000, [[7, 0, 0]], { stream: 1, key: true });
  s.frame(1000, [[8, 0, 0]], { stream: 2, key: true });
  s.hide(1);
  assert.deepEqual(Object.keys(s.xs(1010)), ['8']);
});

test('without a connection the world stands still, and what nobody shows again goes', () => {
  const s = new Script();
  s.frame(1000, [[7, 100, 0], [8, 200, 0]], { key: true });
  s.scene.freeze();
  assert.deepEqual(s.xs(60_000), { 7: 1, 8: 2 });
  s.scene.thaw(60_000);
  s.frame(60_000, [[8, 500, 0]], { stream: 9, key: true });
  assert.deepEqual(s.xs(60_000), { 7: 1, 8: 5 });
  assert.deepEqual(s.xs(63_001), { 8: 5 });
});

test('a new owner whose clock is behind is believed', () => {
  const s = new Script();
  s.frame(10_000, [[7, 100, 0]], { key: true });
  s.frame(5_000, [[7, 300, 0]], { key: true });
  assert.equal(s.xs(5_000)[7], 3);
});

test('the shown time is the quickest frames’, and the buffer, behind', () => {
  const p = new Playout(100);
  assert.equal(p.at(0), -Infinity);
  const delays = [30, 80, 35, 200, 31];
  delays.forEach((delay, i) => p.arrived(1000 + i * 50, 5000 + i * 50 + delay));
  assert.equal(p.at(5300), 5300 - 4000 - 30 - 100);
});

test('a quick frame counts for a while', () => {
  const p = new Playout(100);
  p.arrived(0, 0);
  for (let at = 50; at <= 4950; at += 50) p.arrived(at - 50, at);
  assert.equal(p.at(4950), 4850);
});

test('a lasting change of the delay is followed slowly, a large one at once', () => {
  const p = new Playout(100);
  p.arrived(1000, 1000);
  assert.equal(p.at(1000), 900);
  // Frames are 50 ms later from now on; the quick ones are forgotten after two windows.
  let [shown, slowest] = [900, 50];
  for (let at = 1050; at <= 7000; at += 50) {
    p.arrived(at - 50, at);
    const next = p.at(at);
    slowest = Math.min(slowest, next - shown);
    shown = next;
  }
  assert.equal(shown, 7000 - 50 - 100);
  assert(slowest > 44 && slowest < 46, `${slowest} ms in 50 ms`);
  for (let at = 7050; at < 13_000; at += 50) p.arrived(at - 5000, at);
  assert.equal(p.at(13_000), 13_000 - 5000 - 100);
});
