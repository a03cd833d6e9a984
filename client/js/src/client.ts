import type { Host } from './channel.js';
import { ServerClock } from './clock.js';
import { Connection, type ConnectionState, type RequestOptions } from './connection.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ClosedError } from './errors.js';
import type { Group } from './group.js';
import { fromBase64, type Json, message, messages, text, time, toBase64 } from './json.js';
import { type Bought, type Catalog, type Player, readStockLevel, readZone, type StockLevel, type Welcome, type ZoneInfo } from './messages.js';
import { type Options, settle } from './options.js';
import { type Purchase, Shop } from './shop.js';
import { World } from './world.js';
import type { EnterOptions, Zone } from './zone.js';

export interface ClientEvents {
  /** The connection's state has changed. */
  state: ConnectionState;
  /** The level of a watched product has changed. */
  stock: StockLevel;
  /** Something went wrong in the background; the client goes on. */
  trouble: unknown;
}

/** In a zone a server that says nothing for so long is asked whether it is there. */
const quietInZoneMs = 3_000;
/** The server's clock is asked for so often while a zone is watched. */
const clockMs = 10_000;

/**
 * Client is a player's connection to the game. It outlives the WebSocket
 * connections it uses: when one drops it dials another, sends again what was not
 * answered, and enters its zones and groups again.
 */
export class Client {
  private readonly emitter = new Emitter<ClientEvents>();
  private readonly connection: Connection;
  private readonly clock = new ServerClock();
  private readonly world: World;
  private readonly shop: Shop;
  private clockTimer: ReturnType<typeof setInterval> | undefined;

  private constructor(o: Options) {
    const host: Host = {
      request: (kind, body, manner) => this.connection.request(kind, body, manner),
      post: (kind, body) => this.connection.post(kind, body),
      serverNow: () => this.clock.now(),
      trouble: (error) => this.trouble(error),
    };
    this.world = new World(host);
    this.shop = new Shop(host, (level) => this.emitter.emit('stock', level));
    this.connection = new Connection(settle(o), {
      changed: (state) => this.changed(state),
      resumed: () => this.resumed(),
      pushed: (frame) => this.pushed(frame),
      world: (bytes) => this.world.receive(bytes),
      unread: (error) => this.trouble(error),
    });
  }

  /**
   * Connects and authenticates. It tries every URL once and throws when there is
   * no way: a RefusedError says what the server has against it. Afterwards the
   * client reconnects by itself.
   */
  static async connect(o: Options): Promise<Client> {
    const client = new Client(o);
    await client.connection.open();
    return client;
  }

  on<K extends keyof ClientEvents>(name: K, listener: (value: ClientEvents[K]) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** The server's latest greeting: session, limits. */
  get welcome(): Welcome {
    return this.connection.welcome;
  }

  /** The id that the token was issued to. */
  get player(): string {
    return this.welcome.player;
  }

  /** The server's time in milliseconds since 1970, as near as it is known. */
  serverNow(): number {
    return this.clock.now();
  }

  /** The zones that this client is in, by name. */
  get zones(): ReadonlyMap<string, Zone> {
    return this.world.zones;
  }

  /** The groups that this client has joined, by name. */
  get groups(): ReadonlyMap<string, Group> {
    return this.world.groups;
  }

  /** Ends the connection for good. Requests under way fail with a ClosedError. */
  close(): void {
    this.connection.close();
  }

  /** Measures a round trip to the gateway, in milliseconds. */
  async ping(o?: RequestOptions): Promise<number> {
    const sent = Date.now();
    const start = performance.now();
    const pong = await this.connection.request('ping', {}, { resend: false, ...o });
    const rttMs = performance.now() - start;
    const serverTime = time(pong, 'serverTime');
    if (serverTime !== undefined) this.clock.sample(sent, sent + rttMs, serverTime.getTime());
    return rttMs;
  }

  /** The player's own state: wallet, backpack, the latest orders. */
  getPlayer(o?: RequestOptions): Promise<Player> {
    return this.shop.getPlayer(o);
  }

  /** The products whose SKU begins with prefix. */
  catalog(prefix = '', o?: RequestOptions): Promise<Catalog> {
    return this.shop.catalog(prefix, o);
  }

  /**
   * Buys. The purchase is given a request number, in p, and is sent until there is
   * a final answer, or the wait ends: with a DeadlineError it may or may not have
   * happened, and buying the same p again tells. It cannot happen twice.
   */
  buy(p: Purchase, o?: RequestOptions): Promise<Bought> {
    return this.shop.buy(p, o);
  }

  /**
   * Asks for the stock events of these products from now on, instead of those
   * watched before, and returns their levels now.
   */
  watch(skus: readonly string[], o?: RequestOptions): Promise<StockLevel[]> {
    return this.shop.watch(skus, o);
  }

  /**
   * Invokes a method of an actor of any kind. A method that changes state needs a
   * number, increasing per actor called; it is the caller's.
   */
  async call(kind: string, id: string, method: string, payload: Uint8Array, request = 0, o?: RequestOptions): Promise<Uint8Array> {
    const body = { kind, id, method, request: String(request), payload: toBase64(payload) };
    return fromBase64(text(await this.connection.request('call', body, o), 'payload'));
  }

  /** The zones there are whose name begins with prefix. */
  async listZones(prefix = '', o?: RequestOptions): Promise<ZoneInfo[]> {
    return messages(await this.connection.request('listZones', { prefix }, o), 'zones').map(readZone);
  }

  /** Enters a zone, or looks at it. A zone that this client is in already is answered alike. */
  async enterZone(name: string, o: EnterOptions = {}): Promise<Zone> {
    this.watchClock();
    return await this.world.enter(name, o);
  }

  /** Joins a group, which begins with its first member. */
  joinGroup(name: string, o?: RequestOptions): Promise<Group> {
    return this.world.join(name, o);
  }

  private changed(state: ConnectionState): void {
    if (state !== 'open') this.world.freeze();
    if (state === 'closed') clearInterval(this.clockTimer);
    if (state === 'open') this.shop.welcome(this.welcome.nextRequest);
    this.emitter.emit('state', state);
  }

  private resumed(): void {
    this.shop.resume();
    this.world.resume();
    this.clock.forget();
    if (this.clockTimer !== undefined) this.askClock();
  }

  private pushed(frame: Json): void {
    if (frame.stock !== undefined) this.emitter.emit('stock', readStockLevel(message(frame, 'stock')));
    else if (frame.error !== undefined) this.trouble(new Error(text(message(frame, 'error'), 'text')));
    else this.world.push(frame); // what this version does not know is passed over
  }

  private trouble(error: unknown): void {
    if (!(error instanceof ClosedError)) this.emitter.emit('trouble', error);
  }

  /** While zones are watched, silence means more and the server's time matters. */
  private watchClock(): void {
    this.connection.quietMs = quietInZoneMs;
    if (this.clockTimer !== undefined) return;
    this.askClock();
    this.clockTimer = setInterval(() => {
      if (this.world.zones.size === 0) {
        clearInterval(this.clockTimer);
        this.clockTimer = undefined;
        this.connection.quietMs = 0;
      } else this.askClock();
    }, clockMs);
  }

  private askClock(): void {
    this.ping({ timeoutMs: 5_000 }).catch(() => {}); // the next one tells
  }
}

