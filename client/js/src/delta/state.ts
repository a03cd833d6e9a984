import { Coder, NUMBER, UNKNOWN } from './coder.js';
import { in256, turnTo, wrapped } from './heading.js';
import { AGES, ANGLE, CLASSES, ENUMERATION, HABITS, HINTS, Layout, STATES, TREE_MAX } from './layout.js';
import { classOf, Forecast, Line, MAX_LINE, SMOOTHING, TRUSTED, YOUNG } from './line.js';
import { ageClass, hintClass, MAX_AGE, Past, turnClass, turnSize } from './past.js';
import { Rows } from './rows.js';

export const MAX_ENTITIES = 4096;

/** State is what a decoder has in common with the encoder after each frame: state.go, members.go, attributes.go and motion.go of proto/delta. */
export class State {
  readonly coder: Coder;
  readonly masks: readonly number[];
  rows: Rows;
  next: Rows;
  /** Row by row, one for each position. */
  lines: Line[] = [];
  pasts: Past[] = [];
  readonly joined: Uint32Array;
  moved = false;
  private readonly forecasts: Forecast[];
  private readonly velocities: Int32Array;

  constructor(readonly layout: Layout) {
    this.coder = new Coder(layout.models);
    this.coder.models.fill(UNKNOWN);
    this.masks = layout.fields.map((f) => 2 ** f.bits - 1);
    this.rows = new Rows(layout.fields.length);
    this.next = new Rows(layout.fields.length);
    this.joined = new Uint32Array(layout.fields.length);
    this.forecasts = layout.positions.map(() => new Forecast());
    this.velocities = new Int32Array(layout.positions.length);
  }

  /** Decodes next from rows. Returns the tick, or undefined when no encoder made these bytes. */
  frame(bytes: Uint8Array, tick: number): number | undefined {
    const { coder, layout, next } = this;
    coder.start(bytes);
    tick = (tick + 1 + coder.unsigned(layout.tick)) >>> 0;
    const origin = this.members();
    if (!origin) return undefined;
    const width = next.width;
    for (let i = 0; i < next.length; i++) {
      if (origin !== true && origin[i]! < 0) continue;
      const past = this.pasts[i]!;
      const changed = layout.attrs.length > 0 && this.attributes(i * width, past);
      if (layout.positions.length > 0) this.motion(i, past, changed);
    }
    return coder.exhausted && next.fits(this.masks) ? tick : undefined;
  }

  /** Makes next the table, and keeps the memory of the other one. */
  swap(): void {
    [this.rows, this.next] = [this.next, this.rows];
  }

  /** Decodes who has left and joined. Returns of each row of next where it was, -1 for nowhere; true when all are where they were. */
  private members(): number[] | true | undefined {
    const { coder, layout, rows, next } = this;
    this.moved = coder.bit(layout.members + (this.moved ? 1 : 0)) === 1;
    if (!this.moved) {
      next.copyAll(rows);
      return true;
    }
    const kept: number[] = [];
    for (let i = 0; i < rows.length; i++) if (!coder.bit(layout.leaves)) kept.push(i);
    const joins = coder.unsigned(layout.joins);
    if (joins > MAX_ENTITIES - kept.length || coder.overrun) return undefined;
    next.length = 0;
    const origin: number[] = [];
    let k = 0;
    const keep = (): void => {
      next.copy(rows, kept[k]!);
      origin.push(kept[k++]!);
    };
    for (let j = 0, last = -1; j < joins; j++) {
      const id = (last + 1 + coder.unsigned(layout.id)) >>> 0;
      if (id <= last || coder.overrun) return undefined;
      while (k < kept.length && rows.ids[kept[k]!]! < id) keep();
      if (k < kept.length && rows.ids[kept[k]!] === id) return undefined;
      last = id;
      if (!this.join(next.append(id))) return undefined;
      origin.push(-1);
    }
    while (k < kept.length) keep();
    const { positions } = layout;
    const lines: Line[] = [];
    for (const from of origin) {
      for (let p = 0; p < positions.length; p++) lines.push(from < 0 ? new Line() : this.lines[from * positions.length + p]!);
    }
    this.lines = lines;
    this.pasts = origin.map((from) => (from < 0 ? new Past() : this.pasts[from]!));
    return origin;
  }

  /** Decodes the values of one who joins, by their differences to the last one who did. */
  private join(at: number): boolean {
    const { coder, layout, joined, masks } = this;
    for (let f = 0; f < joined.length; f++) {
      const v = (joined[f]! + coder.signed(layout.joined + f * NUMBER)) >>> 0;
      if (v > masks[f]!) return false;
      this.next.values[at + f] = v;
    }
    joined.set(this.next.values.subarray(at, at + joined.length));
    return true;
  }

  // From here on the rows of next hold the values of the frame before until they
  // are decoded.

  private stateOf(at: number): number {
    const { state } = this.layout;
    return state < 0 ? 0 : Math.min(this.next.values[at + state]!, STATES - 1);
  }

  private attributes(at: number, past: Past): boolean {
    const { coder, layout } = this;
    const state = this.stateOf(at);
    if (!coder.bit(layout.attr + state * AGES + ageClass(past.age))) {
      past.age = Math.min(past.age + 1, MAX_AGE);
      return false;
    }
    past.age = 0;
    let some = 0;
    layout.attrs.forEach((f, i) => {
      if (!coder.bit(layout.attrChanged + (i * 2 + some) * STATES + state)) return;
      this.next.values[at + f] = this.attribute(i, f, this.next.values[at + f]!);
      some = 1;
    });
    return true;
  }

  private attribute(i: number, f: number, was: number): number {
    const { coder, layout, masks } = this;
    const { kind, bits } = layout.fields[f]!;
    if (kind === ENUMERATION && bits <= TREE_MAX) {
      const m = layout.attrTree + (i << (2 * TREE_MAX)) + (was << TREE_MAX);
      let v = 1;
      for (let b = 0; b < bits; b++) v = (v << 1) | coder.bit(m + v);
      return v & masks[f]!;
    }
    const v = was + coder.signed(layout.attrNumber + i * NUMBER);
    return kind === ANGLE ? v & masks[f]! : v >>> 0;
  }

  private motion(i: number, past: Past, changed: boolean): void {
    const { coder, layout, forecasts, next } = this;
    const { positions } = layout;
    const first = i * positions.length;
    let open = 0;
    let youth = MAX_LINE;
    let rest = 1;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k]!;
      const forecast = forecasts[k]!;
      line.forecast(forecast);
      if (forecast.open) open++;
      if (!line.rests) rest = 0;
      if (line.n < youth) youth = line.n;
    }
    const m = (((past.habit * CLASSES + classOf(youth)) * 3 + Math.min(open, 2)) * 2 + rest) * 2 + (changed ? 1 : 0);
    const straight = coder.bit(layout.straight + m);
    past.habit = ((past.habit << 1) | straight) & (HABITS - 1);
    const at = i * next.width;
    if (!straight) {
      this.move(at, first, past, rest);
      return;
    }
    past.turn = 0;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k]!;
      const forecast = forecasts[k]!;
      const deviation = forecast.open ? this.choose(line, forecast) : 0;
      const step = (forecast.step + deviation) | 0;
      line.follow(forecast, deviation);
      if (line.n <= TRUSTED) line.smooth(line.vel, step, SMOOTHING);
      next.values[at + positions[k]!]! += step;
    }
  }

  /** Decodes by how much a step deviates from the forecast: not at all, or by 1 or -1. */
  private choose(line: Line, forecast: Forecast): number {
    const { coder, layout } = this;
    let which = forecast.down ? (forecast.up ? 2 : 1) : 0;
    const hint = line.n <= YOUNG ? hintClass((line.vel - (forecast.step << 6)) | 0) : 2;
    const periods = classOf((line.n / line.b) | 0);
    if (!coder.bit(layout.deviates + ((which * CLASSES + periods) * CLASSES + classOf(line.b)) * HINTS + hint)) return 0;
    if (which === 2) which = coder.bit(layout.deviatesTo + periods * HINTS + hint);
    return which === 0 ? 1 : -1;
  }

  private move(at: number, first: number, past: Past, rest: number): void {
    const { coder, layout, next, velocities } = this;
    const { heading, positions } = layout;
    const state = this.stateOf(at);
    let turning = 2;
    if (heading >= 0) {
      const { bits } = layout.fields[heading]!;
      const m = layout.turns + ((turnClass(past.turn) * 2 + rest) * STATES + state) * 2;
      const turn = coder.number(m, layout.turn + turnSize(past.turn) * NUMBER);
      next.values[at + heading] = (next.values[at + heading]! + turn) & this.masks[heading]!;
      past.turn = in256(wrapped(turn, bits), bits);
      turning = turn === 0 ? 0 : 1;
    }
    const stop = coder.bit(layout.stops + (rest * 3 + turning) * STATES + state);
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k]!;
      velocities[k] = rest ? line.vel : line.velocity();
    }
    if (!stop) {
      this.stray(at, first, past, rest);
      return;
    }
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k]!;
      line.vel = velocities[k]!;
      line.take(this.forecasts[k]!, 0);
    }
  }

  private stray(at: number, first: number, past: Past, rest: number): void {
    const { coder, layout, next, velocities: vs } = this;
    const { heading, positions } = layout;
    if (heading >= 0) turnTo(vs, past.turn, in256(next.values[at + heading]!, layout.fields[heading]!.bits));
    const swap = positions.length > 1 && Math.abs(vs[1]!) > Math.abs(vs[0]!) ? 1 : 0;
    const size = turnSize(past.turn);
    const steps = new Int32Array(positions.length);
    let far = 0;
    for (let i = 0; i < positions.length; i++) {
      const k = i < 2 ? i ^ swap : i;
      const v = vs[k]! + 32;
      const part = Math.min(i, 1) + far;
      const m = layout.strays + (((size * 4 + ((v & 63) >> 4)) * 2 + rest) * 3 + part) * 2;
      const astray = coder.number(m, layout.stray + ((size === 3 ? 2 : 0) + rest) * NUMBER);
      const step = ((v >> 6) + astray) | 0;
      steps[k] = step;
      next.values[at + positions[k]!]! += step;
      this.lines[first + k]!.take(this.forecasts[k]!, step);
      if (Math.abs(astray) > 2) {
        far = 1;
        if (i === 0 && positions.length > 1 && Math.abs(vs[k]!) > 64 && Math.abs(step) < 512) {
          vs[1 - k] = (vs[1 - k]! * step * 64) / vs[k]!;
        }
      }
    }
    const gain = far === 0 ? SMOOTHING : past.turn === 0 && !past.astray ? 0 : 16;
    past.astray = far !== 0;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k]!;
      if (line.needsVelocity) line.smooth(vs[k]!, steps[k]!, gain);
    }
  }
}
