import { Backoff } from './backoff.js';
import { ClosedError, DisconnectedError, ProtocolError, RefusedError } from './errors.js';
import { type Json, message, number } from './json.js';
import type { Welcome } from './messages.js';
import type { Settings } from './options.js';
import { Patience } from './patience.js';
import { Slots } from './slots.js';
import { refusal, Wire } from './wire.js';

/** Requests, and what answers them. */
const replies = {
  ping: 'pong',
  getPlayer: 'player',
  listCatalog: 'catalog',
  buy: 'bought',
  watch: 'watching',
  call: 'result',
  enterZone: 'entered',
  leaveZone: 'leftZone',
  intent: 'intended',
  listZones: 'zones',
  who: 'present',
  say: 'said',
  readChat: 'chatHistory',
  joinGroup: 'joinedGroup',
  leaveGroup: 'leftGroup',
} as const;

export type RequestKind = keyof typeof replies;

/** How a request is made. */
export interface RequestOptions {
  /** How long to wait for the final answer, retries included. Infinity: for ever. */
  timeoutMs?: number;
  /** Ends the wait, not the request. */
  signal?: AbortSignal;
}

/** What a connection does with a request besides. */
interface Manner extends RequestOptions {
  /** False: it ends with the WebSocket connection, instead of being sent again on the next. */
  resend?: boolean;
  /** False: a refusal that is unsettled is handed to the caller, instead of asking again. */
  retry?: boolean;
}

/** What a connection tells its owner. */
export interface ConnectionListener {
  /** The state has changed. */
  changed(state: ConnectionState): void;
  /** Another WebSocket connection took over: what belonged to the last one must be set up again. */
  resumed(): void;
  /** Something that no request asked for. */
  pushed(frame: Json): void;
  world(message: Uint8Array): void;
  unread(error: unknown): void;
}

export type ConnectionState = 'connecting' | 'open' | 'reconnecting' | 'closed';

/** One request that waits for its answer. */
interface Pending {
  frame: Json;
  resend: boolean;
  done: (reply: Json) => void;
  failed: (error: unknown) => void;
}

/** The pauses between the attempts of a request that says nothing better. */
const retryMinMs = 50;
const retryMaxMs = 2_000;

/** The server pings as often, unless its Welcome says otherwise. */
const defaultPingIntervalMs = 15_000;
/** So often the connection looks whether the server is still there, and no less often. */
const mostCheckMs = 1_000;
/** The longest that the server may take to answer a Ping. */
const mostPongMs = 5_000;

/**
 * Connection outlives the WebSocket connections it uses: when one drops it dials
 * another and sends again what was not answered.
 */
export class Connection {
  welcome!: Welcome;
  state: ConnectionState = 'connecting';
  /** Counts the WebSocket connections. */
  generation = 0;
  /** A connection on which this long nothing was heard is looked after; 0: as the server says. */
  quietMs = 0;

  private wire: Wire | undefined;
  private seq = 1; // the Hello has it
  private readonly pending = new Map<number, Pending>();
  private readonly slots = new Slots(64);
  private readonly backoff: Backoff;
  /** Ends a pause before dialling. */
  private wake: () => void = () => {};
  private ended: unknown;
  private checks: ReturnType<typeof setInterval> | undefined;
  private probedAt = 0;

  constructor(
    private readonly settings: Settings,
    private readonly listener: ConnectionListener,
  ) {
    this.backoff = new Backoff(settings.reconnectMinMs, settings.reconnectMaxMs);
  }

  /** Connects for the first time; without success this connection is of no use. */
  async open(): Promise<void> {
    try {
      this.adopt(await this.dial());
    } catch (error) {
      this.end(error);
      throw error;
    }
    this.checks = setInterval(() => this.check(), Math.min(mostCheckMs, this.patienceMs / 4));
    globalThis.addEventListener?.('online', this.online);
  }

  /** Sends a request, again as often as it takes, and returns the reply's body. */
  async request(kind: RequestKind, body: Json, manner: Manner = {}): Promise<Json> {
    const patience = new Patience(kind, manner.timeoutMs ?? this.settings.requestTimeoutMs, manner.signal);
    const pauses = new Backoff(retryMinMs, retryMaxMs);
    try {
      for (;;) {
        try {
          return await this.roundTrip(kind, body, manner.resend ?? true, patience);
        } catch (error) {
          if (!(error instanceof RefusedError) || !error.unsettled || manner.retry === false) throw error;
          patience.cause = error;
          await patience.sleep(Math.max(error.retryAfterMs, pauses.pauseMs()));
        }
      }
    } finally {
      patience.end();
    }
  }

  private async roundTrip(kind: RequestKind, body: Json, resend: boolean, patience: Patience): Promise<Json> {
    let held = false;
    let seq = 0;
    try {
      await patience.wait<void>((done) =>
        this.slots.take(() => {
          held = true;
          done();
        }),
      );
      const reply = await patience.wait<Json>((done, failed) => {
        if (this.ended !== undefined) throw this.ended;
        if (!resend && this.wire === undefined) throw new DisconnectedError('there is no connection');
        seq = ++this.seq;
        const frame = { seq: String(seq), [kind]: body };
        this.pending.set(seq, { frame, resend, done, failed });
        this.wire?.send(frame);
        return () => this.pending.delete(seq);
      });
      if (reply.error !== undefined) throw refusal(reply);
      if (reply[replies[kind]] === undefined) throw new ProtocolError(`${kind} was not answered by ${replies[kind]}`);
      return message(reply, replies[kind]);
    } finally {
      if (held) this.slots.release();
    }
  }

  /** Sends a frame that nobody waits for the answer of; nothing without a connection. */
  post(kind: string, body: Json): void {
    this.wire?.send({ seq: String(++this.seq), [kind]: body });
  }

  /** Ends the connection for good. Requests under way fail with a ClosedError. */
  close(): void {
    this.end(new ClosedError('the client is closed'));
  }

  private end(why: unknown): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    clearInterval(this.checks);
    globalThis.removeEventListener?.('online', this.online);
    this.wire?.close();
    this.wire = undefined;
    this.wake();
    for (const call of this.pending.values()) call.failed(why);
    this.pending.clear();
    this.change('closed');
  }

  private change(state: ConnectionState): void {
    if (this.state === state) return;
    this.state = state;
    this.listener.changed(state);
  }

  /** Connects to the first gateway that welcomes the player. */
  private async dial(): Promise<Wire> {
    let last: unknown;
    for (const url of this.settings.urls) {
      try {
        return await Wire.dial(url, this.settings, {
          frame: (frame) => this.receive(frame),
          world: (bytes) => this.listener.world(bytes),
          unread: (error) => this.listener.unread(error),
          closed: (wire, why) => this.lost(wire, why),
        });
      } catch (error) {
        if (isFinal(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Makes wire the one in use, and sends what was not answered in its first order. */
  private adopt(wire: Wire): void {
    if (this.ended !== undefined) {
      wire.close();
      throw this.ended;
    }
    if (!wire.open) throw new DisconnectedError('the connection closed after the Welcome');
    this.wire = wire;
    this.welcome = wire.welcome;
    this.generation++;
    this.probedAt = 0;
    this.backoff.reset();
    if (wire.welcome.limits.maxInFlight > 0) this.slots.resize(wire.welcome.limits.maxInFlight);
    for (const call of this.pending.values()) wire.send(call.frame);
    this.change('open');
    if (this.generation > 1) this.listener.resumed();
  }

  private lost(wire: Wire, why: DisconnectedError): void {
    if (this.wire !== wire) return;
    this.wire = undefined;
    for (const [seq, call] of this.pending) {
      if (call.resend) continue;
      this.pending.delete(seq);
      call.failed(why);
    }
    this.change('reconnecting');
    void this.reconnect(why);
  }

  private async reconnect(why: DisconnectedError): Promise<void> {
    // 1001: this gateway goes, the others are there.
    let pauseMs = why.closeCode === 1001 ? 0 : this.backoff.pauseMs();
    for (;;) {
      await this.pause(pauseMs);
      if (this.ended !== undefined) return;
      try {
        this.adopt(await this.dial());
        return;
      } catch (error) {
        if (isFinal(error)) {
          this.end(new ClosedError(`there is no way to connect again: ${(error as Error).message}`, { cause: error }));
          return;
        }
        const wanted = error instanceof RefusedError ? error.retryAfterMs : 0;
        pauseMs = Math.max(wanted, this.backoff.pauseMs());
      }
    }
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }

  /** The network is back: no reason to wait any longer. */
  private readonly online = (): void => this.wake();

  private receive(frame: Json): void {
    const seq = number(frame, 'seq');
    if (seq === 0) {
      this.listener.pushed(frame);
      return;
    }
    this.pending.get(seq)?.done(frame);
    this.pending.delete(seq);
  }

  /** How long the server may be silent before it is asked. */
  private get patienceMs(): number {
    return this.quietMs || this.welcome.limits.pingIntervalMs || defaultPingIntervalMs;
  }

  /**
   * A page does not see the server's pings, so it asks itself when it has not
   * heard anything. Timers of hidden pages are late: only a Ping without an answer
   * counts.
   */
  private check(): void {
    const { wire } = this;
    if (wire === undefined) return;
    const now = performance.now();
    const quiet = now - wire.heardAt;
    if (this.probedAt > wire.heardAt) {
      if (now - this.probedAt > Math.min(mostPongMs, this.patienceMs)) wire.drop(`nothing was heard for ${Math.round(quiet)} ms`);
      return;
    }
    if (quiet > this.patienceMs) {
      this.probedAt = now;
      this.post('ping', {});
    }
  }
}

/** Whether dialling again cannot help. */
function isFinal(error: unknown): boolean {
  if (error instanceof RefusedError) return error.code === 'UNAUTHENTICATED' || error.code === 'INVALID_ARGUMENT';
  return error instanceof ProtocolError || error instanceof ClosedError;
}
