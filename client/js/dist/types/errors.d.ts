export type Code = 'UNAUTHENTICATED' | 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'SOLD_OUT' | 'INSUFFICIENT_FUNDS' | 'LIMIT_REACHED' | 'NOT_ON_SALE' | 'PRICE_CHANGED' | 'RATE_LIMITED' | 'OVERLOADED' | 'EXPIRED_REQUEST' | 'UNAVAILABLE' | 'INTERNAL';
/** The base of everything that this package throws on purpose. */
export declare class HoldfastError extends Error {
    constructor(message: string, options?: {
        cause?: unknown;
    });
}
/** The server refused a request. */
export declare class RefusedError extends HoldfastError {
    /** Branch on this. A newer server may send codes that are not in Code: treat them as final. */
    readonly code: Code;
    /** For people. */
    readonly text: string;
    /** When the same request may be sent again; 0 when waiting alone will not help. */
    readonly retryAfterMs: number;
    constructor(
    /** Branch on this. A newer server may send codes that are not in Code: treat them as final. */
    code: Code, 
    /** For people. */
    text: string, 
    /** When the same request may be sent again; 0 when waiting alone will not help. */
    retryAfterMs?: number);
    /** True when only sending the same request again tells what became of it. */
    get unsettled(): boolean;
}
/**
 * A request had no final answer in time. It may or may not have happened: the
 * same request, with the same number, tells.
 */
export declare class DeadlineError extends HoldfastError {
}
/** The connection dropped, and what was under way is not sent again. */
export declare class DisconnectedError extends HoldfastError {
    /** The WebSocket's close code, 0 when it had none. */
    readonly closeCode: number;
    constructor(message: string, 
    /** The WebSocket's close code, 0 when it had none. */
    closeCode?: number);
}
/** The client was closed, or there is no way to connect again. */
export declare class ClosedError extends HoldfastError {
}
/** The server said something that the protocol does not have. */
export declare class ProtocolError extends HoldfastError {
}
