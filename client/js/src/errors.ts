// What a server refuses a request with. docs/protocol.md says what each means.
export type Code =
  | 'UNAUTHENTICATED'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'SOLD_OUT'
  | 'INSUFFICIENT_FUNDS'
  | 'LIMIT_REACHED'
  | 'NOT_ON_SALE'
  | 'PRICE_CHANGED'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'EXPIRED_REQUEST'
  | 'UNAVAILABLE'
  | 'INTERNAL';

/** The base of everything that this package throws on purpose. */
export class HoldfastError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server refused a request. */
export class RefusedError extends HoldfastError {
  constructor(
    /** Branch on this. A newer server may send codes that are not in Code: treat them as final. */
    readonly code: Code,
    /** For people. */
    readonly text: string,
    /** When the same request may be sent again; 0 when waiting alone will not help. */
    readonly retryAfterMs = 0,
  ) {
    super(text === '' ? code : `${code}: ${text}`);
  }

  /** True when only sending the same request again tells what became of it. */
  get unsettled(): boolean {
    return unsettledCodes.includes(this.code);
  }
}

const unsettledCodes: Code[] = ['RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE'];

/**
 * A request had no final answer in time. It may or may not have happened: the
 * same request, with the same number, tells.
 */
export class DeadlineError extends HoldfastError {}

/** The connection dropped, and what was under way is not sent again. */
export class DisconnectedError extends HoldfastError {
  constructor(
    message: string,
    /** The WebSocket's close code, 0 when it had none. */
    readonly closeCode = 0,
  ) {
    super(message);
  }
}

/** The client was closed, or there is no way to connect again. */
export class ClosedError extends HoldfastError {}

/** The server said something that the protocol does not have. */
export class ProtocolError extends HoldfastError {}
