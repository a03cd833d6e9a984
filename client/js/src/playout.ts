/** A window of arrivals is this long; two of them are looked at. */
const windowMs = 2_500;
/** Beyond this the shown time jumps instead of running faster or slower. */
const jumpMs = 250;
/** How much faster or slower it may run. */
const drift = 0.1;

/**
 * Playout says which moment of the world to show: the quickest frames' delay
 * behind, and then the buffer. It needs no agreement between the clocks, since
 * both ends of a delay are taken as they are.
 */
export class Playout {
  /** The least delays of this window and of the one before it. */
  private least = Infinity;
  private leastBefore = Infinity;
  private windowEnds = 0;
  /** The delay in use, and when it was looked at last. */
  private delay = NaN;
  private lookedAt = 0;

  constructor(public bufferMs: number) {}

  /** A frame of the world's moment worldMs has arrived at nowMs, by the local clock. */
  arrived(worldMs: number, nowMs: number): void {
    if (nowMs >= this.windowEnds) {
      this.leastBefore = this.least;
      this.least = Infinity;
      this.windowEnds = nowMs + windowMs;
    }
    this.least = Math.min(this.least, nowMs - worldMs);
  }

  /** The world's moment to show at nowMs. */
  at(nowMs: number): number {
    const wanted = Math.min(this.least, this.leastBefore) + this.bufferMs;
    if (wanted === Infinity) return -Infinity;
    const off = wanted - this.delay;
    if (!(Math.abs(off) <= jumpMs)) this.delay = wanted;
    else {
      const most = Math.max(0, nowMs - this.lookedAt) * drift;
      this.delay += Math.max(-most, Math.min(most, off));
    }
    this.lookedAt = nowMs;
    return nowMs - this.delay;
  }
}
