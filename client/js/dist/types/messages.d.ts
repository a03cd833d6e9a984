import { type Json } from './json.js';
/** What the server said to a Hello. */
export interface Welcome {
    /** Names the connection in the operator's logs: show it in bug reports. */
    session: string;
    player: string;
    serverTime: Date;
    limits: Limits;
    nextRequest: number;
}
/** The connection's limits; 0 is none. */
export interface Limits {
    maxMessageBytes: number;
    requestsPerSecond: number;
    burst: number;
    pingIntervalMs: number;
    maxWatchedSkus: number;
    maxInFlight: number;
    maxZones: number;
    maxGroups: number;
    maxChatBytes: number;
}
export interface Player {
    id: string;
    /** Currency to amount, in the currency's smallest unit. */
    wallet: Record<string, number>;
    /** By SKU. */
    backpack: {
        sku: string;
        quantity: number;
    }[];
    /** The latest, oldest first. */
    orders: Order[];
    nextRequest: number;
}
export type OrderState = 'CREATED' | 'PAID' | 'GRANTED' | 'COMPLETED' | 'CANCELLED';
export interface Order {
    /** Unique over the whole cluster. */
    id: string;
    request: number;
    sku: string;
    quantity: number;
    /** For the whole order. */
    price: number;
    currency: string;
    state: OrderState;
    /** Why it was cancelled, '' if it was not. */
    reason: string;
    at?: Date;
}
export interface Catalog {
    /** Grows with every change of the catalog. */
    version: number;
    /** By SKU. */
    products: Product[];
    /** There are more: ask with longer prefixes. */
    truncated: boolean;
}
export interface Product {
    sku: string;
    title: string;
    /** Of one unit, in the currency's smallest unit. */
    price: number;
    currency: string;
    saleStart?: Date;
    saleEnd?: Date;
    /** Units that one player may buy in all; 0 is no limit. */
    limitPerPlayer: number;
}
export interface Bought {
    order: Order;
    /** What the wallet holds of the order's currency afterwards. */
    balance: number;
}
/** A hint: it may be late, and what is left may be held for orders under way. */
export interface StockLevel {
    sku: string;
    free: number;
    state: 'UNKNOWN' | 'AVAILABLE' | 'LOW' | 'SOLD_OUT';
}
/** A piece of the world. Its south-west corner is at 0, 0. */
export interface ZoneInfo {
    name: string;
    /** In units. */
    width: number;
    height: number;
    /** The side of an interest cell in units; 0: the whole zone is one. */
    cell: number;
    /** Ticks per second. */
    hz: number;
    /** Units per second. */
    maxSpeed: number;
    maxPlayers: number;
}
export type FieldKind = 'POSITION' | 'ANGLE' | 'LEVEL' | 'ENUMERATION';
/** One field of the entities in a zone's frames. */
export interface FieldInfo {
    name: string;
    kind: FieldKind;
    /** Values are below 2^bits. */
    bits: number;
}
export interface Entered {
    zone: ZoneInfo;
    entity: number;
    fields: FieldInfo[];
    owner: string;
    players: number;
}
export interface Person {
    player: string;
    /** In a zone; 0 elsewhere. */
    entity: number;
}
export interface Presence {
    channel: string;
    joined: Person[];
    left: Person[];
    /** How many there are now. */
    total: number;
}
export interface ChatLine {
    channel: string;
    /** Increasing, without gaps, within the channel. */
    id: number;
    player: string;
    text: string;
    at?: Date;
}
export declare function readWelcome(m: Json): Welcome;
export declare function readPlayer(m: Json): Player;
export declare function readCatalog(m: Json): Catalog;
export declare function readBought(m: Json): Bought;
export declare function readStockLevel(m: Json): StockLevel;
export declare function readZone(m: Json): ZoneInfo;
export declare function readEntered(m: Json): Entered;
export declare function readPeople(m: Json, field: string): Person[];
export declare function readPresence(m: Json): Presence;
export declare function readChatLine(m: Json): ChatLine;
