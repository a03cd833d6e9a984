export { Client, type ClientEvents } from './client.js';
export type { Frame } from './cell.js';
export { Channel, type ChannelEvents } from './channel.js';
export type { ConnectionState, RequestOptions } from './connection.js';
export { DeltaDecoder, DeltaError, type DeltaErrorCode, type DeltaField, type DeltaHeader, type DeltaTable } from './delta.js';
export type { Unsubscribe } from './emitter.js';
export { ClosedError, type Code, DeadlineError, DisconnectedError, HoldfastError, ProtocolError, RefusedError } from './errors.js';
export { Group } from './group.js';
export type {
  Bought,
  Catalog,
  ChatLine,
  FieldInfo,
  FieldKind,
  Limits,
  Order,
  OrderState,
  Person,
  Player,
  Presence,
  Product,
  StockLevel,
  Welcome,
  ZoneInfo,
} from './messages.js';
export type { Options, WebSocketConstructor, WebSocketLike } from './options.js';
export type { Purchase } from './shop.js';
export type { ZoneStats } from './stats.js';
export { type Entity, EntityState } from './track.js';
export { type EnterOptions, type Point, Zone, type ZoneEvents } from './zone.js';
