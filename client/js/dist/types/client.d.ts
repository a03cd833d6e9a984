import { type ConnectionState, type RequestOptions } from './connection.js';
import { type Unsubscribe } from './emitter.js';
import type { Group } from './group.js';
import { type Bought, type Catalog, type Player, type StockLevel, type Welcome, type ZoneInfo } from './messages.js';
import { type Options } from './options.js';
import { type Purchase } from './shop.js';
import type { EnterOptions, Zone } from './zone.js';
export interface ClientEvents {
    /** The connection's state has changed. */
    state: ConnectionState;
    /** The level of a watched product has changed. */
    stock: StockLevel;
    /** Something went wrong in the background; the client goes on. */
    trouble: unknown;
}
/**
 * Client is a player's connection to the game. It outlives the WebSocket
 * connections it uses: when one drops it dials another, sends again what was not
 * answered, and enters its zones and groups again.
 */
export declare class Client {
    private readonly emitter;
    private readonly connection;
    private readonly clock;
    private readonly world;
    private readonly shop;
    private clockTimer;
    private constructor();
    /**
     * Connects and authenticates. It tries every URL once and throws when there is
     * no way: a RefusedError says what the server has against it. Afterwards the
     * client reconnects by itself.
     */
    static connect(o: Options): Promise<Client>;
    on<K extends keyof ClientEvents>(name: K, listener: (value: ClientEvents[K]) => void): Unsubscribe;
    get state(): ConnectionState;
    /** The server's latest greeting: session, limits. */
    get welcome(): Welcome;
    /** The id that the token was issued to. */
    get player(): string;
    /** The server's time in milliseconds since 1970, as near as it is known. */
    serverNow(): number;
    /** The zones that this client is in, by name. */
    get zones(): ReadonlyMap<string, Zone>;
    /** The groups that this client has joined, by name. */
    get groups(): ReadonlyMap<string, Group>;
    /** Ends the connection for good. Requests under way fail with a ClosedError. */
    close(): void;
    /** Measures a round trip to the gateway, in milliseconds. */
    ping(o?: RequestOptions): Promise<number>;
    /** The player's own state: wallet, backpack, the latest orders. */
    getPlayer(o?: RequestOptions): Promise<Player>;
    /** The products whose SKU begins with prefix. */
    catalog(prefix?: string, o?: RequestOptions): Promise<Catalog>;
    /**
     * Buys. The purchase is given a request number, in p, and is sent until there is
     * a final answer, or the wait ends: with a DeadlineError it may or may not have
     * happened, and buying the same p again tells. It cannot happen twice.
     */
    buy(p: Purchase, o?: RequestOptions): Promise<Bought>;
    /**
     * Asks for the stock events of these products from now on, instead of those
     * watched before, and returns their levels now.
     */
    watch(skus: readonly string[], o?: RequestOptions): Promise<StockLevel[]>;
    /**
     * Invokes a method of an actor of any kind. A method that changes state needs a
     * number, increasing per actor called; it is the caller's.
     */
    call(kind: string, id: string, method: string, payload: Uint8Array, request?: number, o?: RequestOptions): Promise<Uint8Array>;
    /** The zones there are whose name begins with prefix. */
    listZones(prefix?: string, o?: RequestOptions): Promise<ZoneInfo[]>;
    /** Enters a zone, or looks at it. A zone that this client is in already is answered alike. */
    enterZone(name: string, o?: EnterOptions): Promise<Zone>;
    /** Joins a group, which begins with its first member. */
    joinGroup(name: string, o?: RequestOptions): Promise<Group>;
    private changed;
    private resumed;
    private pushed;
    private trouble;
    /** While zones are watched, silence means more and the server's time matters. */
    private watchClock;
    private askClock;
}
