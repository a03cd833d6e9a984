/** How many measurements the best one is chosen from. */
const kept = 8;

/**
 * ServerClock estimates the server's wall clock from round trips: the one that
 * was quickest says it best.
 */
export class ServerClock {
  private readonly samples: { rttMs: number; offsetMs: number }[] = [];
  private offsetMs = 0;

  /** Takes a measurement: the server said serverTime between sent and received. */
  sample(sent: number, received: number, serverTime: number): void {
    const rttMs = received - sent;
    this.samples.push({ rttMs, offsetMs: serverTime - sent - rttMs / 2 });
    if (this.samples.length > kept) this.samples.shift();
    const best = this.samples.reduce((a, b) => (b.rttMs < a.rttMs ? b : a));
    this.offsetMs = best.offsetMs;
  }

  /** The server's time in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  /** The measurements were of another server. */
  forget(): void {
    this.samples.length = 0;
  }
}
