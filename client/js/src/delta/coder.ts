// A model is the probability that a bit is one, and in its low bits from how many
// bits it was learnt.
export const PROB_BITS = 18;
export const COUNT_BITS = 8;
export const COUNT_LIMIT = 255;
export const UNKNOWN = (1 << (PROB_BITS - 1)) << COUNT_BITS;
const ONE = 1 << PROB_BITS;

/** rates[n] is how far a model that has seen n bits goes towards the next one. */
const rates = Uint32Array.from({ length: COUNT_LIMIT + 1 }, (_, n) => Math.floor(131072 / (2 * n + 3)));

// Of the models of a number, in the order of number.go.
const ZERO = 0;
const SIGN = 1;
const LENGTH = 2;
const SMALL = LENGTH + 33;
const SMALL_LENGTH = 5;
const TOP = SMALL + (2 << SMALL_LENGTH);
const TOP_LENGTHS = 12;
/** How many models a number has. */
export const NUMBER = TOP + TOP_LENGTHS * 8;

/** Coder decodes bits, and numbers made of them: proto/delta/coder.go and number.go. */
export class Coder {
  readonly models: Int32Array;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private lo = 0;
  private hi = 0xffffffff;
  private code = 0;

  constructor(models: number) {
    this.models = new Int32Array(models);
  }

  start(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.lo = 0;
    this.hi = 0xffffffff;
    this.code = 0;
    for (let i = 0; i < 4; i++) this.code = ((this.code << 8) | this.next()) >>> 0;
  }

  /** More was decoded than was there. */
  get overrun(): boolean {
    return this.at > this.bytes.length + 4;
  }

  /** All that was there was needed. */
  get exhausted(): boolean {
    return this.at >= this.bytes.length && !this.overrun;
  }

  bit(m: number): number {
    const model = this.models[m]!;
    let p = model >>> COUNT_BITS;
    let n = model & COUNT_LIMIT;
    const bit = this.fixed((p >>> (PROB_BITS - 16)) | 1);
    const rate = rates[n]!;
    if (bit) p += (((ONE - p) >>> (PROB_BITS - 16)) * rate) >>> (32 - PROB_BITS);
    else p -= ((p >>> (PROB_BITS - 16)) * rate) >>> (32 - PROB_BITS);
    if (n < COUNT_LIMIT) n++;
    this.models[m] = (p << COUNT_BITS) | n;
    return bit;
  }

  /** Decodes a bit that is one with probability p/65536. */
  fixed(p: number): number {
    const r = this.hi - this.lo;
    const mid = this.lo + (r >>> 16) * p + (((r & 0xffff) * p) >>> 16);
    const bit = this.code <= mid ? 1 : 0;
    if (bit) this.hi = mid;
    else this.lo = mid + 1;
    while ((this.lo ^ this.hi) >>> 24 === 0) {
      this.lo = (this.lo << 8) >>> 0;
      this.hi = ((this.hi << 8) | 0xff) >>> 0;
      this.code = ((this.code << 8) | this.next()) >>> 0;
    }
    return bit;
  }

  /** Decodes a number from 0 to 2^32-1. */
  unsigned(m: number): number {
    return this.bit(m + ZERO) ? this.positive(m) : 0;
  }

  /** Decodes a signed 32-bit number. */
  signed(m: number): number {
    return this.number(m + ZERO, m);
  }

  /** The same, but for zero and sign with the models from first. */
  number(first: number, m: number): number {
    if (!this.bit(first + ZERO)) return 0;
    return this.bit(first + SIGN) ? -this.positive(m) | 0 : this.positive(m) | 0;
  }

  private positive(m: number): number {
    let length = 0;
    while (length < 31 && this.bit(m + LENGTH + length)) length++;
    let u = 1;
    let left = length;
    if (length <= SMALL_LENGTH) {
      for (; left > 0; left--) u = u * 2 + this.bit(m + SMALL + (1 << length) + u - 2);
      return u;
    }
    const top = m + TOP + Math.min(length - SMALL_LENGTH - 1, TOP_LENGTHS - 1) * 8;
    for (; left > length - 3; left--) u = u * 2 + this.bit(top + u);
    for (; left > 0; left--) u = u * 2 + this.fixed(1 << 15);
    return u;
  }

  /** The next byte, and zeros behind the end. */
  private next(): number {
    return this.at < this.bytes.length ? this.bytes[this.at++]! : (this.at++, 0);
  }
}
