import { CLASSES } from './layout.js';

export const MAX_LINE = 2048;
const MAX_PERIODS = 128;
export const TRUSTED = 3;
export const YOUNG = 8;
export const MAX_VELOCITY = 1000;
export const SMOOTHING = 6;

const div = (a: number, b: number): number => (a / b) | 0;

export function clamp(v: number, low: number, high: number): number {
  return v < low ? low : v > high ? high : v;
}

/** 0, 1, 2, and then the length of n-1, up to 7. */
export function classOf(n: number): number {
  return n < 2 ? n : Math.min(33 - Math.clz32(n - 1), CLASSES - 1);
}

/** Where a line's next point is: at step, or if up one above, or if down one below. */
export class Forecast {
  step = 0;
  rho = 0;
  up = false;
  down = false;

  get open(): boolean {
    return this.up || this.down;
  }

  allows(step: number): boolean {
    const d = (step - this.step) | 0;
    return d === 0 || (d === 1 && this.up) || (d === -1 && this.down);
  }
}

/** Line recognises that the values of a position lie on a digital straight line: proto/delta/line.go explains it. */
export class Line {
  c = 0;
  a = 0;
  b = 1;
  rho = 0;
  n = 0;
  up0 = 0;
  up1 = 0;
  low0 = 0;
  low1 = 0;
  vel = 0;

  forecast(f: Forecast): void {
    f.step = this.c;
    f.rho = this.rho + this.a;
    if (f.rho >= this.b) {
      f.step = (f.step + 1) | 0;
      f.rho -= this.b;
    }
    const open = this.n < MAX_PERIODS * this.b;
    f.up = open && f.rho === this.b - 1;
    f.down = open && f.rho === 0;
  }

  take(f: Forecast, step: number): void {
    if (f.allows(step)) this.follow(f, (step - f.step) | 0);
    else this.bend(step);
  }

  follow(f: Forecast, deviation: number): void {
    this.n++;
    if (deviation === 0) {
      this.rho = f.rho;
      if (this.rho === 0) this.up1 = this.n;
      else if (this.rho === this.b - 1) this.low1 = this.n;
    } else if (deviation > 0) {
      this.low0 = this.low1;
      this.up1 = this.n;
      this.turn(this.n - this.up0, 1);
      this.rho = 0;
    } else {
      this.up0 = this.up1;
      this.low1 = this.n;
      this.turn(this.n - this.low0, -1);
      this.rho = this.b - 1;
    }
    if (this.b === 1) this.up1 = this.low1 = this.n;
    if (this.n === MAX_LINE) this.forget();
    if (!this.needsVelocity) this.vel = 0;
  }

  get rests(): boolean {
    return (this.c | this.a) === 0;
  }

  get needsVelocity(): boolean {
    return this.n <= YOUNG || this.rests;
  }

  velocity(): number {
    if (this.n < TRUSTED) return this.vel;
    return (clamp(this.c, -MAX_VELOCITY, MAX_VELOCITY - 1) << 6) + div(this.a << 6, this.b);
  }

  smooth(velocity: number, step: number, gain: number): void {
    const limit = MAX_VELOCITY << 6;
    const seen = clamp(step, -MAX_VELOCITY, MAX_VELOCITY) << 6;
    this.vel = clamp(velocity + div((seen - velocity) * gain, 16), -limit, limit);
  }

  /** The latest points with the least and the largest remainder; -1 for none. */
  lean(): [up: number, low: number] {
    let up = -1;
    let low = -1;
    let rho = this.rho;
    for (let i = this.n; i >= 0 && (up < 0 || low < 0); i--) {
      if (rho === 0 && up < 0) up = i;
      if (rho === this.b - 1 && low < 0) low = i;
      rho -= this.a;
      if (rho < 0) rho += this.b;
    }
    return [up, low];
  }

  private bend(step: number): void {
    this.c = step;
    this.a = this.rho = this.up0 = this.low0 = 0;
    this.b = this.n = this.up1 = this.low1 = 1;
  }

  private turn(steps: number, sign: number): void {
    const rise = div(this.a * steps + sign, this.b);
    this.a = rise;
    this.b = steps;
    if (rise >= steps) {
      this.c = (this.c + 1) | 0;
      this.a -= steps;
    } else if (rise < 0) {
      this.c = (this.c - 1) | 0;
      this.a += steps;
    }
  }

  private forget(): void {
    const half = MAX_LINE / 2;
    if (this.up1 < half || this.low1 < half || this.b > half) {
      this.vel = this.velocity();
      this.bend(this.c);
      return;
    }
    const since = (first: number): number => {
      if (first < half) first += div(half - first + this.b - 1, this.b) * this.b;
      return first - half;
    };
    this.n -= half;
    this.up1 -= half;
    this.low1 -= half;
    this.up0 = Math.min(since(this.up0), this.up1);
    this.low0 = Math.min(since(this.low0), this.low1);
  }
}
