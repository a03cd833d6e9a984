const rememberedMs = 10_000;

/** The longest time without a frame of the world, lately. */
export class Pauses {
  private last = NaN;
  private readonly list: { at: number; ms: number }[] = [];

  frame(now: number): void {
    // Frames of several cells arrive together; the pauses between them say nothing.
    if (now - this.last > 1) this.list.push({ at: now, ms: now - this.last });
    this.last = now;
  }

  longest(now: number): number {
    while (this.list.length > 0 && this.list[0]!.at < now - rememberedMs) this.list.shift();
    let most = Number.isNaN(this.last) ? 0 : now - this.last;
    for (const p of this.list) most = Math.max(most, p.ms);
    return most;
  }
}
