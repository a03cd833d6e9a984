import { HoldfastError } from './errors.js';

/** So many may wait for a slot; more are a program that has lost control. */
const maxWaiting = 1024;

/** Slots bounds what is under way at once; the rest waits for its turn. */
export class Slots {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private limit: number) {}

  /** Calls got as soon as there is a slot, perhaps at once. What it returns gives up waiting. */
  take(got: () => void): () => void {
    if (this.taken < this.limit) {
      this.taken++;
      got();
      return () => {};
    }
    if (this.waiting.length >= maxWaiting) throw new HoldfastError(`${maxWaiting} requests wait for their turn already`);
    this.waiting.push(got);
    return () => {
      const at = this.waiting.indexOf(got);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  }

  release(): void {
    this.taken--;
    this.serve();
  }

  resize(limit: number): void {
    this.limit = limit;
    this.serve();
  }

  private serve(): void {
    while (this.taken < this.limit) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.taken++;
      next();
    }
  }
}
