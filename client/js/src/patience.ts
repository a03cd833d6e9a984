import { DeadlineError } from './errors.js';

/**
 * Patience bounds all that one request waits for: its turn, its answers, and the
 * pauses between its attempts.
 */
export class Patience {
  /** What kept the request from its final answer, told when patience ends. */
  cause: unknown;
  private readonly over: Promise<never>;
  private readonly timer: ReturnType<typeof setTimeout> | undefined;
  private readonly onAbort: () => void;

  constructor(
    what: string,
    timeoutMs: number,
    private readonly signal?: AbortSignal,
  ) {
    signal?.throwIfAborted();
    let lose!: (error: unknown) => void;
    this.over = new Promise<never>((_, reject) => (lose = reject));
    this.over.catch(() => {}); // often nobody waits for it
    this.onAbort = () => lose(signal?.reason);
    signal?.addEventListener('abort', this.onAbort);
    if (timeoutMs !== Infinity) {
      const end = (): void => lose(new DeadlineError(`${what}: no final answer within ${timeoutMs} ms`, { cause: this.cause }));
      this.timer = setTimeout(end, timeoutMs);
    }
  }

  /**
   * Waits until start has called done or failed, or patience ends. What start
   * returns is called afterwards in any case.
   */
  async wait<T>(start: (done: (value: T) => void, failed: (error: unknown) => void) => () => void): Promise<T> {
    let stop: (() => void) | undefined;
    try {
      return await Promise.race([this.over, new Promise<T>((done, failed) => (stop = start(done, failed)))]);
    } finally {
      stop?.();
    }
  }

  async sleep(ms: number): Promise<void> {
    await this.wait<void>((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  end(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
  }
}
