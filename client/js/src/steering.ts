import type { Host } from './channel.js';
import { DeadlineError, DisconnectedError, RefusedError } from './errors.js';
import { flag, type Json } from './json.js';

/** Intents are sent at most this often: a gateway counts them among the requests. */
const spacingMs = 100;
/** The same wish again is worth sending after so long: the entity may have died meanwhile. */
const againMs = 1_000;
/** An intent without an answer for so long is not worth waiting for. */
const timeoutMs = 5_000;

/**
 * Steering sends where the player wants to go: the first wish at once, and then
 * the newest one, never faster than the gateway likes.
 */
export class Steering {
  private wanted: Json | undefined;
  private sentAt = -Infinity;
  private settled = true;
  private running = false;
  private ended = false;

  constructor(
    private readonly zone: string,
    private readonly host: Host,
    private readonly clamped: () => void,
    private readonly refused: (error: RefusedError) => void,
  ) {}

  /** From now on the player wants this: { steer: … } or { walk: … }. */
  want(action: Json): void {
    const same = JSON.stringify(action) === JSON.stringify(this.wanted);
    if (same && (!this.settled || performance.now() - this.sentAt < againMs)) return;
    this.wanted = action;
    this.settled = false;
    void this.run();
  }

  /** The zone may have forgotten what the player wants: it has another owner, or the connection was lost. */
  repeat(): void {
    if (this.wanted === undefined) return;
    this.settled = false;
    void this.run();
  }

  end(): void {
    this.ended = true;
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (!this.settled && !this.ended) {
      this.settled = true;
      this.sentAt = performance.now();
      let pauseMs = spacingMs;
      try {
        const body = { zone: this.zone, ...this.wanted };
        const intended = await this.host.request('intent', body, { timeoutMs, resend: false, retry: false });
        if (flag(intended, 'clamped')) this.clamped();
      } catch (error) {
        // After a disconnection the zone is entered again, which repeats the wish.
        if (error instanceof RefusedError && error.unsettled) {
          this.settled = false;
          pauseMs = Math.max(pauseMs, error.retryAfterMs);
        } else if (error instanceof RefusedError) this.refused(error);
        else if (error instanceof DeadlineError) this.settled = false;
        else if (!(error instanceof DisconnectedError)) this.ended = true;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    this.running = false;
  }
}
