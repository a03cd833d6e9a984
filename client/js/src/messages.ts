import { choice, flag, type Json, message, messages, number, numbers, text, time } from './json.js';

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
  backpack: { sku: string; quantity: number }[];
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

export function readWelcome(m: Json): Welcome {
  const limits = message(m, 'limits');
  return {
    session: text(m, 'session'),
    player: text(m, 'player'),
    serverTime: time(m, 'serverTime') ?? new Date(),
    limits: {
      maxMessageBytes: number(limits, 'maxMessageBytes'),
      requestsPerSecond: number(limits, 'requestsPerSecond'),
      burst: number(limits, 'burst'),
      pingIntervalMs: number(limits, 'pingIntervalMs'),
      maxWatchedSkus: number(limits, 'maxWatchedSkus'),
      maxInFlight: number(limits, 'maxInFlight'),
      maxZones: number(limits, 'maxZones'),
      maxGroups: number(limits, 'maxGroups'),
      maxChatBytes: number(limits, 'maxChatBytes'),
    },
    nextRequest: number(m, 'nextRequest'),
  };
}

export function readPlayer(m: Json): Player {
  return {
    id: text(m, 'id'),
    wallet: numbers(m, 'wallet'),
    backpack: messages(m, 'backpack').map((item) => ({ sku: text(item, 'sku'), quantity: number(item, 'quantity') })),
    orders: messages(m, 'orders').map(readOrder),
    nextRequest: number(m, 'nextRequest'),
  };
}

function readOrder(m: Json): Order {
  return {
    id: text(m, 'id'),
    request: number(m, 'request'),
    sku: text(m, 'sku'),
    quantity: number(m, 'quantity'),
    price: number(m, 'price'),
    currency: text(m, 'currency'),
    state: choice(m, 'state', 'ORDER_STATE_') as OrderState,
    reason: choice(m, 'reason', 'CODE_'),
    at: time(m, 'at'),
  };
}

export function readCatalog(m: Json): Catalog {
  return {
    version: number(m, 'version'),
    products: messages(m, 'products').map((p) => ({
      sku: text(p, 'sku'),
      title: text(p, 'title'),
      price: number(p, 'price'),
      currency: text(p, 'currency'),
      saleStart: time(p, 'saleStart'),
      saleEnd: time(p, 'saleEnd'),
      limitPerPlayer: number(p, 'limitPerPlayer'),
    })),
    truncated: flag(m, 'truncated'),
  };
}

export function readBought(m: Json): Bought {
  return { order: readOrder(message(m, 'order')), balance: number(m, 'balance') };
}

export function readStockLevel(m: Json): StockLevel {
  return {
    sku: text(m, 'sku'),
    free: number(m, 'free'),
    state: (choice(m, 'state', 'STOCK_STATE_') || 'UNKNOWN') as StockLevel['state'],
  };
}

export function readZone(m: Json): ZoneInfo {
  return {
    name: text(m, 'name'),
    width: number(m, 'width'),
    height: number(m, 'height'),
    cell: number(m, 'cell'),
    hz: number(m, 'hz'),
    maxSpeed: number(m, 'maxSpeed'),
    maxPlayers: number(m, 'maxPlayers'),
  };
}

export function readEntered(m: Json): Entered {
  return {
    zone: readZone(message(m, 'zone')),
    entity: number(m, 'entity'),
    fields: messages(m, 'fields').map((f) => ({
      name: text(f, 'name'),
      kind: choice(f, 'kind', 'FIELD_KIND_') as FieldKind,
      bits: number(f, 'bits'),
    })),
    owner: text(m, 'owner'),
    players: number(m, 'players'),
  };
}

function readPerson(m: Json): Person {
  return { player: text(m, 'player'), entity: number(m, 'entity') };
}

export function readPeople(m: Json, field: string): Person[] {
  return messages(m, field).map(readPerson);
}

export function readPresence(m: Json): Presence {
  return {
    channel: text(m, 'channel'),
    joined: readPeople(m, 'joined'),
    left: readPeople(m, 'left'),
    total: number(m, 'total'),
  };
}

export function readChatLine(m: Json): ChatLine {
  return {
    channel: text(m, 'channel'),
    id: number(m, 'id'),
    player: text(m, 'player'),
    text: text(m, 'text'),
    at: time(m, 'at'),
  };
}
