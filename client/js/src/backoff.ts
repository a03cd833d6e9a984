/**
 * Backoff is the pause before the next attempt: it doubles from min to max, and
 * half of it is random so that the clients of a node that went away do not come
 * back all at once.
 */
export class Backoff {
  private next: number;

  constructor(
    private readonly minMs: number,
    private readonly maxMs: number,
    private readonly random: () => number = Math.random,
  ) {
    this.next = minMs;
  }

  pauseMs(): number {
    const pause = this.next / 2 + (this.random() * this.next) / 2;
    this.next = Math.min(this.next * 2, this.maxMs);
    return pause;
  }

  reset(): void {
    this.next = this.minMs;
  }
}
