import assert from 'node:assert/strict';
import { Client } from '../src/client.js';
import type { Options, WebSocketConstructor, WebSocketLike } from '../src/options.js';

type Frame = Record<string, any>;

/** The other end of one WebSocket connection. What it is told to do happens at once. */
export class FakeSocket implements WebSocketLike {
  binaryType = '';
  readonly protocol = 'holdfast.v1.json';
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  /** What the client sent and has not been looked at. */
  readonly sent: Frame[] = [];
  closedBy: 'client' | 'server' | undefined;
  private waiting: (() => void) | undefined;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Frame);
    this.waiting?.();
  }

  close(): void {
    this.closedBy ??= 'client';
  }

  /** The next frame with this body, which the client has sent or will send. */
  async expect(kind: string): Promise<Frame> {
    for (;;) {
      const at = this.sent.findIndex((f) => kind in f);
      if (at >= 0) return this.sent.splice(at, 1)[0]!;
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
  }

  /** Says Welcome to the Hello. */
  async welcome(more: Frame = {}): Promise<Frame> {
    this.onopen?.({});
    const hello = await this.expect('hello');
    const limits = { maxInFlight: 64, pingIntervalMs: 15_000 };
    this.tell({ seq: hello.seq, welcome: { session: 'S', player: 'ann', serverTime: new Date().toISOString(), limits, nextRequest: '1', ...more } });
    return hello;
  }

  /** Answers a frame. */
  answer(frame: Frame, body: Frame): void {
    this.tell({ seq: frame.seq, ...body });
  }

  refuse(frame: Frame, code: string, retryAfterMs = 0): void {
    this.answer(frame, { error: { code: `CODE_${code}`, text: 'because', retryAfterMs: String(retryAfterMs) } });
  }

  tell(frame: Frame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  tellBytes(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer });
  }

  drop(code = 1006): void {
    this.closedBy ??= 'server';
    this.onclose?.({ code, reason: '' });
  }
}

/** A place to which clients connect. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  private taken = 0;
  private waiting: (() => void) | undefined;

  readonly WebSocket: WebSocketConstructor = ((): WebSocketConstructor => {
    const server = this;
    return class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        server.sockets.push(this);
        server.waiting?.();
      }
    };
  })();

  /** The next connection, which a client has opened or will open. */
  async accept(): Promise<FakeSocket> {
    while (this.taken === this.sockets.length) await new Promise<void>((resolve) => (this.waiting = resolve));
    return this.sockets[this.taken++]!;
  }

  /** Connects a client, and returns it with its connection. */
  async connect(t: { after(fn: () => unknown): void }, o: Partial<Options> = {}, welcome: Frame = {}): Promise<[Client, FakeSocket]> {
    const connecting = Client.connect({ url: 'ws://fake/v1/ws', token: 'T', webSocket: this.WebSocket, reconnectMinMs: 1, reconnectMaxMs: 2, ...o });
    const socket = await this.accept();
    await socket.welcome(welcome);
    const client = await connecting;
    t.after(() => client.close());
    return [client, socket];
  }
}

/** Waits for one event. */
export function once<T>(on: (listener: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve) => {
    const off = on((value) => {
      off();
      resolve(value);
    });
  });
}

/** Asserts that a refusal has this code. */
export async function assertRefused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, { name: 'RefusedError', code });
}
