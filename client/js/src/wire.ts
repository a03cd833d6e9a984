import { type Code, DeadlineError, DisconnectedError, ProtocolError, RefusedError } from './errors.js';
import { choice, type Json, message, number, text } from './json.js';
import { readWelcome, type Welcome } from './messages.js';
import type { Settings, WebSocketLike } from './options.js';

/** The JSON subprotocol. What concerns the world comes in binary messages even so. */
const subprotocol = 'holdfast.v1.json';

/** What a wire tells its owner, after the Welcome. */
export interface WireListener {
  frame(frame: Json): void;
  world(message: Uint8Array): void;
  /** A message that this version cannot read; it is passed over. */
  unread(error: unknown): void;
  /** Once, last; not after close(). */
  closed(wire: Wire, why: DisconnectedError): void;
}

/** Wire is one WebSocket connection, welcomed by the server. */
export class Wire {
  welcome!: Welcome;
  /** When something was received last, by performance.now(). */
  heardAt = performance.now();
  open = true;

  private constructor(
    private readonly socket: WebSocketLike,
    private readonly listener: WireListener,
  ) {}

  /** Connects to one gateway, authenticates and waits for the Welcome. */
  static async dial(url: string, settings: Settings, listener: WireListener): Promise<Wire> {
    const token = await settings.token();
    const socket = new settings.webSocket(url, [subprotocol]);
    socket.binaryType = 'arraybuffer';
    const wire = new Wire(socket, listener);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const late = (): void => reject(new DeadlineError(`connect to ${url}: no Welcome within ${settings.dialTimeoutMs} ms`));
        timer = setTimeout(late, settings.dialTimeoutMs);
        wire.greet(url, token, settings.name, resolve, reject);
      });
    } catch (error) {
      wire.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return wire;
  }

  private greet(url: string, token: string, name: string, resolve: () => void, reject: (error: unknown) => void): void {
    const { socket } = this;
    socket.onopen = () => this.send({ seq: '1', hello: { token, client: name } });
    const fail = (why: string, code = 0): void => reject(new DisconnectedError(`connect to ${url}: ${why}`, code));
    socket.onerror = afterwards(() => fail('it failed'));
    socket.onclose = (event: { code: number; reason: string }) => {
      fail(event.reason === '' ? `closed with ${event.code}` : event.reason, event.code);
    };
    socket.onmessage = (event: { data: unknown }) => {
      try {
        this.welcome = welcomeIn(parse(event.data));
        this.serve();
        resolve();
      } catch (error) {
        reject(error);
      }
    };
  }

  /** Hands on what arrives from now on. */
  private serve(): void {
    this.heardAt = performance.now();
    this.socket.onmessage = (event: { data: unknown }) => {
      if (!this.open) return;
      this.heardAt = performance.now();
      try {
        if (event.data instanceof ArrayBuffer) this.listener.world(new Uint8Array(event.data));
        else this.listener.frame(parse(event.data));
      } catch (error) {
        // It must not end the connection, which would get the same again.
        this.listener.unread(error);
      }
    };
    this.socket.onerror = afterwards(() => this.end(new DisconnectedError('the connection failed')));
    this.socket.onclose = (event: { code: number; reason: string }) => {
      this.end(new DisconnectedError(`the connection closed with ${event.code} ${event.reason}`.trimEnd(), event.code));
    };
  }

  send(frame: Json): void {
    if (this.open) this.socket.send(JSON.stringify(frame));
  }

  /** Ends the connection as broken, without waiting for the other side. */
  drop(why: string): void {
    this.socket.close();
    this.end(new DisconnectedError(why));
  }

  /** Ends the connection in good order. The listener is told nothing any more. */
  close(): void {
    this.open = false;
    this.socket.onopen = null;
    this.socket.close(1000);
  }

  private end(why: DisconnectedError): void {
    if (!this.open) return;
    this.open = false;
    this.listener.closed(this, why);
  }
}

/** A close follows an error and says more, but not with every WebSocket. */
function afterwards(fn: () => void): () => void {
  return () => void setTimeout(fn, 0);
}

function parse(data: unknown): Json {
  if (typeof data !== 'string') throw new ProtocolError('a message is not text');
  return JSON.parse(data) as Json;
}

/** The Welcome that a Hello was answered with. */
function welcomeIn(frame: Json): Welcome {
  if (frame.welcome !== undefined) return readWelcome(message(frame, 'welcome'));
  if (frame.error !== undefined) throw refusal(frame);
  throw new ProtocolError('the Hello was not answered by a Welcome');
}

/** The refusal in a frame. */
export function refusal(frame: Json): RefusedError {
  const error = message(frame, 'error');
  return new RefusedError(choice(error, 'code', 'CODE_') as Code, text(error, 'text'), number(error, 'retryAfterMs'));
}
