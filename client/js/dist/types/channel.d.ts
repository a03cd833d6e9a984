import type { RequestKind, RequestOptions } from './connection.js';
import { type Unsubscribe } from './emitter.js';
import { type Json } from './json.js';
import { type ChatLine, type Person, type Presence } from './messages.js';
/** What channels, zones and groups need of their client. */
export interface Host {
    request(kind: RequestKind, body: Json, o?: RequestOptions & {
        resend?: boolean;
        retry?: boolean;
    }): Promise<Json>;
    post(kind: RequestKind | 'resync', body: Json): void;
    /** The server's time in milliseconds since 1970. */
    serverNow(): number;
    /** What went wrong in the background. */
    trouble(error: unknown): void;
}
export interface ChannelEvents {
    /** Somebody has said something. */
    line: ChatLine;
    /** Somebody has come or gone. */
    presence: Presence;
}
/** Channel is what is said in a zone or a group, and who is there. */
export declare class Channel {
    /** "zone/plaza" or "group/owls". */
    readonly name: string;
    private readonly host;
    /** The latest lines, oldest first. */
    readonly lines: ChatLine[];
    /** How many are there; people may be fewer. */
    total: number;
    private readonly known;
    private readonly byEntity;
    private readonly emitter;
    private lastRequest;
    /** Settled when the last line is; it never fails. */
    private saying;
    /** What came while a refresh is under way, to be applied on top of it. */
    private meanwhile;
    private again;
    /** Who is there, by player; not all of them if there are many. */
    get people(): Person[];
    /** Whose entity it is; undefined for a bot or somebody not heard of yet. */
    playerOf(entity: number): string | undefined;
    on<K extends keyof ChannelEvents>(name: K, listener: (value: ChannelEvents[K]) => void): Unsubscribe;
    /**
     * Says something, once however often it must be sent, and returns the line's id.
     * Lines are said one after the other, in the order of the calls.
     */
    say(text: string, o?: RequestOptions): Promise<number>;
    private sayNext;
    private sayAs;
    /**
     * Numbers are the server's time in milliseconds, as near as this client knows it:
     * they increase over all of a player's devices and sessions.
     */
    private nextRequest;
    private readPeople;
    private readLines;
    private replacePeople;
    private add;
    private drop;
    private apply;
    private lastLine;
}
