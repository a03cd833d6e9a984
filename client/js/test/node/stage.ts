import { Client, type Options, type WebSocketLike } from '../../src/index.js';

/**
 * The cluster that the tests run against, and who started it: that one is asked
 * over HTTP for what players cannot do.
 */
const { HOLDFAST_GATEWAYS = '', HOLDFAST_STAGE = '' } = process.env;

/** Has the stage do something; throws what it complains of. */
export async function stage(what: string, parameters: Record<string, string | number> = {}): Promise<string> {
  const body = new URLSearchParams(Object.entries(parameters).map(([k, v]) => [k, String(v)]));
  const response = await fetch(`${HOLDFAST_STAGE}/${what}`, { method: 'POST', body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what}: ${text}`);
  return text;
}

/** Connects a player, until the test ends. */
export async function connect(t: { after(fn: () => unknown): void }, player: string, o: Partial<Options> = {}): Promise<Client> {
  const client = await Client.connect({ url: HOLDFAST_GATEWAYS.split(','), token: () => stage('token', { player }), ...o });
  t.after(() => client.close());
  return client;
}

/** A WebSocket whose network the test can disturb. */
export class Disturbed implements WebSocketLike {
  private static readonly open = new Set<Disturbed>();
  /** Says which binary messages are lost on the way. */
  static loses: (message: Uint8Array) => boolean = () => false;

  binaryType = '';
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  private readonly socket: WebSocket;

  constructor(url: string, protocols: string[]) {
    this.socket = new WebSocket(url, protocols);
    this.socket.binaryType = 'arraybuffer';
    Disturbed.open.add(this);
    this.socket.onopen = (event) => this.onopen?.(event);
    this.socket.onmessage = (event) => {
      const lost = event.data instanceof ArrayBuffer && Disturbed.loses(new Uint8Array(event.data));
      if (!lost) this.onmessage?.(event);
    };
    this.socket.onclose = (event) => this.end(event.code);
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  send(data: string): void {
    this.socket.send(data);
  }

  close(code?: number): void {
    this.socket.close(code);
  }

  private end(code: number): void {
    if (Disturbed.open.delete(this)) this.onclose?.({ code, reason: '' });
  }

  /** Cuts all connections: the client learns of it at once, and hears nothing any more. Returns how many. */
  static cut(): number {
    const cut = [...this.open];
    for (const d of cut) {
      d.onmessage = null;
      d.socket.close();
      d.end(1006);
    }
    return cut.length;
  }
}

/** Waits until something is so; looks at each event. */
export function until(on: (look: () => void) => () => void, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const off = on(() => {
      if (!isSo()) return;
      off();
      resolve();
    });
  });
}
