// What of the play page can be told without a screen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coatOf } from '../play/colour.js';
import { nameError } from '../play/name.js';
import { Pauses } from '../play/pauses.js';
import { Camera } from '../play/stage/camera.js';
import { Figure, firstBot, State } from '../play/stage/figure.js';

const seen = (change: object = {}) => ({ id: 7, x: 10, y: 10, heading: 0, hp: 1000, state: State.idle, ...change });
const frame = 1 / 60;

test('a name looks the same on all pages', () => {
  assert.equal(coatOf('Ada'), coatOf('Ada'));
  const coats = new Set(['Ada', 'Ben', 'Cleo', 'Dara', 'Edda', 'Finn', 'Gus', 'Hana'].map(coatOf));
  if (coats.size < 4) assert.fail(`eight names have ${coats.size} colours`);
});

test('names are what the server takes for players', () => {
  for (const name of ['Ada', 'a', 'x_1.y-z', 'sixteen-letters1']) assert.equal(nameError(name), '');
  for (const name of ['', 'seventeen-letters', 'two words', 'a/b', 'Ädä', 'a\n']) assert.notEqual(nameError(name), '');
});

test('a figure tells what has happened to it, once', () => {
  const f = new Figure(seen(), 'Ada');
  assert.deepEqual(f.see(seen(), frame), ['arrived']);
  assert.deepEqual(f.see(seen(), frame), []);
  assert.deepEqual(f.see(seen({ state: State.striking }), frame), ['struck']);
  assert.deepEqual(f.see(seen({ state: State.striking }), frame), []);
  assert.deepEqual(f.see(seen({ hp: 900, state: State.hurt }), frame), ['hit']);
  assert.deepEqual(f.see(seen({ hp: 0, state: State.dead }), frame), ['hit', 'fell']);
  assert.deepEqual(f.see(seen({ hp: 1000 }), frame), ['rose']);
});

test('a figure turns the short way round', () => {
  const f = new Figure(seen({ heading: 3.1 }), 'Ada');
  for (let i = 0; i < 60; i++) f.see(seen({ heading: -3.1 }), frame);
  const off = Math.abs(f.facing - 3.1) % (2 * Math.PI);
  if (Math.min(off, 2 * Math.PI - off) > 0.05) assert.fail(`it looks ${off} away from where it should`);
  if (Math.abs(f.facing) < 2.9) assert.fail('it turned the long way');
});

test('a figure that is set elsewhere does not run there', () => {
  const f = new Figure(seen(), 'Ada');
  f.see(seen({ x: 50 }), frame);
  assert.equal(f.pace, 0);
  assert.equal(f.x, 50);
});

test('a figure that is not seen any more fades away, and can come back', () => {
  const f = new Figure(seen({ id: firstBot }), '');
  assert.equal(f.bot, true);
  for (let i = 0; i < 60; i++) f.see(seen(), frame);
  assert.equal(f.there, 1);
  assert.equal(f.fade(0.1), false);
  f.see(seen(), frame);
  assert.equal(f.unseen, 0);
  let frames = 0;
  while (!f.fade(frame)) frames++;
  if (frames > 30) assert.fail(`it took ${frames} frames`);
});

test('the camera keeps the zone in sight and never jumps', () => {
  const zone = { width: 60, height: 40 };
  const c = new Camera();
  c.resize(1280, 800);
  c.follow(0, 0, zone, frame);
  const corner = { x: c.x, y: c.y };
  if (c.at(0, 800).x < -5.01 || c.at(0, 800).y < -5.01) assert.fail(`it shows ${JSON.stringify(c.at(0, 800))}`);
  c.follow(20, 20, zone, frame);
  const step = Math.hypot(c.x - corner.x, c.y - corner.y);
  if (step === 0 || step > 3) assert.fail(`it moved ${step} units in a frame`);
  const there = c.at(c.sx(12), c.sy(34));
  if (Math.hypot(there.x - 12, there.y - 34) > 1e-6) assert.fail('the way to the screen and back ends elsewhere');
});

test('a zone smaller than the screen stands in its middle', () => {
  const c = new Camera();
  c.resize(1280, 800);
  c.follow(1, 1, { width: 10, height: 8 }, frame);
  assert.equal(c.x, 5);
  assert.equal(c.y, 4);
});

test('the longest pause of the last seconds, and the one that goes on', () => {
  const p = new Pauses();
  assert.equal(p.longest(0), 0);
  for (const at of [0, 50, 100, 300, 350]) p.frame(at);
  assert.equal(p.longest(360), 200);
  assert.equal(p.longest(1350), 1000);
  for (let at = 400; at <= 12_000; at += 50) p.frame(at);
  assert.equal(p.longest(12_010), 50);
});
