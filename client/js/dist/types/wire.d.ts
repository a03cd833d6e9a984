import { DisconnectedError, RefusedError } from './errors.js';
import { type Json } from './json.js';
import { type Welcome } from './messages.js';
import type { Settings } from './options.js';
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
export declare class Wire {
    private readonly socket;
    private readonly listener;
    welcome: Welcome;
    /** When something was received last, by performance.now(). */
    heardAt: number;
    open: boolean;
    private constructor();
    /** Connects to one gateway, authenticates and waits for the Welcome. */
    static dial(url: string, settings: Settings, listener: WireListener): Promise<Wire>;
    private greet;
    /** Hands on what arrives from now on. */
    private serve;
    send(frame: Json): void;
    /** Ends the connection as broken, without waiting for the other side. */
    drop(why: string): void;
    /** Ends the connection in good order. The listener is told nothing any more. */
    close(): void;
    private end;
}
/** The refusal in a frame. */
export declare function refusal(frame: Json): RefusedError;
