import { type Json } from './json.js';
import type { Welcome } from './messages.js';
import type { Settings } from './options.js';
/** Requests, and what answers them. */
declare const replies: {
    readonly ping: 'pong';
    readonly getPlayer: 'player';
    readonly listCatalog: 'catalog';
    readonly buy: 'bought';
    readonly watch: 'watching';
    readonly call: 'result';
    readonly enterZone: 'entered';
    readonly leaveZone: 'leftZone';
    readonly intent: 'intended';
    readonly listZones: 'zones';
    readonly who: 'present';
    readonly say: 'said';
    readonly readChat: 'chatHistory';
    readonly joinGroup: 'joinedGroup';
    readonly leaveGroup: 'leftGroup';
};
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
/**
 * Connection outlives the WebSocket connections it uses: when one drops it dials
 * another and sends again what was not answered.
 */
export declare class Connection {
    private readonly settings;
    private readonly listener;
    welcome: Welcome;
    state: ConnectionState;
    /** Counts the WebSocket connections. */
    generation: number;
    /** A connection on which this long nothing was heard is looked after; 0: as the server says. */
    quietMs: number;
    private wire;
    private seq;
    private readonly pending;
    private readonly slots;
    private readonly backoff;
    /** Ends a pause before dialling. */
    private wake;
    private ended;
    private checks;
    private probedAt;
    constructor(settings: Settings, listener: ConnectionListener);
    /** Connects for the first time; without success this connection is of no use. */
    open(): Promise<void>;
    /** Sends a request, again as often as it takes, and returns the reply's body. */
    request(kind: RequestKind, body: Json, manner?: Manner): Promise<Json>;
    private roundTrip;
    /** Sends a frame that nobody waits for the answer of; nothing without a connection. */
    post(kind: string, body: Json): void;
    /** Ends the connection for good. Requests under way fail with a ClosedError. */
    close(): void;
    private end;
    private change;
    /** Connects to the first gateway that welcomes the player. */
    private dial;
    /** Makes wire the one in use, and sends what was not answered in its first order. */
    private adopt;
    private lost;
    private reconnect;
    private pause;
    /** The network is back: no reason to wait any longer. */
    private readonly online;
    private receive;
    /** How long the server may be silent before it is asked. */
    private get patienceMs();
    /**
     * A page does not see the server's pings, so it asks itself when it has not
     * heard anything. Timers of hidden pages are late: only a Ping without an answer
     * counts.
     */
    private check;
}
export {};
