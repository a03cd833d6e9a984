import { Coder, COUNT_BITS, COUNT_LIMIT, NUMBER, PROB_BITS, UNKNOWN } from './coder.js';
import { HABITS, type Layout, MAX_BITS } from './layout.js';
import { Line, MAX_LINE, MAX_VELOCITY } from './line.js';
import { MAX_AGE, Past } from './past.js';
import type { Rows } from './rows.js';
import { MAX_ENTITIES, type State } from './state.js';

// Models of a keyframe, in the order of proto/delta/key.go.
const COUNT = 0;
const ID = COUNT + NUMBER;
const LEARNT = ID + NUMBER;
const BITS = LEARNT + 2;
const HIGH = BITS + NUMBER;
const HIGH_BITS = 5;
const LINE = HIGH + (1 << HIGH_BITS);
const PAST = LINE + 10 * NUMBER;
const FIELDS = PAST + 3 * NUMBER;

/** Keyframe decodes the body of a keyframe into a state. */
export class Keyframe {
  private readonly coder: Coder;

  constructor(private readonly layout: Layout) {
    this.coder = new Coder(FIELDS + layout.fields.length * NUMBER);
  }

  /** Decodes rows into state.next and all else into the state. False when no encoder made these bytes. */
  decode(body: Uint8Array, state: State): boolean {
    const { coder, layout } = this;
    coder.models.fill(UNKNOWN);
    coder.start(body);
    const rows = state.next;
    rows.length = 0;
    state.lines = [];
    state.pasts = [];
    const count = coder.unsigned(COUNT);
    if (count > MAX_ENTITIES) return false;
    let before: Uint32Array = new Uint32Array(layout.fields.length);
    for (let i = 0, last = -1; i < count; i++) {
      if (coder.overrun) return false;
      const id = (last + 1 + coder.unsigned(ID)) >>> 0;
      if (i > 0 && id <= last) return false;
      last = id;
      before = this.row(before, rows, rows.append(id));
      for (let k = 0; k < layout.positions.length; k++) {
        const line = this.line();
        if (!line) return false;
        state.lines.push(line);
      }
      const past = this.past();
      if (!past) return false;
      state.pasts.push(past);
    }
    for (let f = 0; f < layout.fields.length; f++) state.joined[f] = coder.signed(FIELDS + f * NUMBER);
    state.moved = coder.fixed(1 << 15) === 1;
    const fit = state.masks.every((mask, f) => state.joined[f]! <= mask) && rows.fits(state.masks);
    return fit && this.models(state.coder.models) && coder.exhausted;
  }

  private row(before: Uint32Array, rows: Rows, at: number): Uint32Array {
    const row = rows.values.subarray(at, at + rows.width);
    for (let f = 0; f < row.length; f++) row[f] = before[f]! + this.coder.signed(FIELDS + f * NUMBER);
    return row;
  }

  private line(): Line | undefined {
    const { coder } = this;
    let m = LINE;
    const number = (): number => {
      const v = coder.unsigned(m) | 0;
      m += NUMBER;
      return v;
    };
    const l = new Line();
    l.n = number();
    l.b = (number() + 1) | 0;
    l.a = number();
    l.rho = number();
    l.c = coder.signed(m);
    m += NUMBER;
    if (l.n < 0 || l.n >= MAX_LINE || l.b < 1 || l.b >= MAX_LINE || l.a < 0 || l.a >= l.b || l.rho < 0 || l.rho >= l.b) return undefined;
    if (Math.abs(l.c) > 1 << MAX_BITS) return undefined;
    const [up, low] = l.lean();
    const points = (latest: number): [first: number, last: number] | undefined => {
      const after = number();
      const before = number();
      const most = (latest / l.b) | 0;
      if (latest < 0 || after < 0 || after > most || before < 0 || before > most - after) return undefined;
      const last = latest - after * l.b;
      return [last - before * l.b, last];
    };
    const ups = points(up);
    if (!ups) return undefined;
    const lows = points(low);
    if (!lows) return undefined;
    [l.up0, l.up1] = ups;
    [l.low0, l.low1] = lows;
    if (l.needsVelocity) l.vel = coder.signed(m);
    return Math.abs(l.vel) <= MAX_VELOCITY << 6 ? l : undefined;
  }

  private past(): Past | undefined {
    const { coder } = this;
    const p = new Past();
    p.age = coder.unsigned(PAST) | 0;
    p.habit = coder.unsigned(PAST + NUMBER);
    p.turn = coder.signed(PAST + 2 * NUMBER);
    p.astray = coder.fixed(1 << 15) === 1;
    return p.age >= 0 && p.age <= MAX_AGE && p.habit < HABITS && Math.abs(p.turn) <= 128 ? p : undefined;
  }

  /** Decodes of each model whether it has learnt anything, and what. */
  private models(models: Int32Array): boolean {
    const { coder } = this;
    let learnt = 0;
    for (let i = 0; i < models.length; i++) {
      learnt = coder.bit(LEARNT + learnt);
      if (!learnt) {
        models[i] = UNKNOWN;
        continue;
      }
      const n = (coder.unsigned(BITS) ^ COUNT_LIMIT) >>> 0;
      if (n > COUNT_LIMIT || coder.overrun) return false;
      let p = 1;
      for (let b = 0; b < HIGH_BITS; b++) p = (p << 1) | coder.bit(HIGH + p);
      for (let b = HIGH_BITS; b < PROB_BITS; b++) p = (p << 1) | coder.fixed(1 << 15);
      models[i] = ((p & ((1 << PROB_BITS) - 1)) << COUNT_BITS) | n;
    }
    return true;
  }
}
