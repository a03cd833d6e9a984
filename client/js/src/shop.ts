import type { Host } from './channel.js';
import type { RequestOptions } from './connection.js';
import { RefusedError } from './errors.js';
import { type Json, messages } from './json.js';
import { type Bought, type Catalog, type Player, readBought, readCatalog, readPlayer, readStockLevel, type StockLevel } from './messages.js';

/** What to buy. */
export interface Purchase {
  sku: string;
  /** 1 to 1,000. */
  quantity: number;
  /** The most that the player will pay for one unit; 0: the catalog's price, whatever it is. */
  maxPrice?: number;
  /**
   * The number that makes it happen once: left out, it is given the next one. To
   * find out what became of a purchase whose wait ended, buy the same again.
   */
  request?: number;
}

/** Shop is the sale's side of a client. */
export class Shop {
  private nextRequest = 1;
  private watched: readonly string[] = [];
  /** Counts the calls of watch that have not been answered. */
  private watching = 0;

  constructor(
    private readonly host: Host,
    private readonly stock: (level: StockLevel) => void,
  ) {}

  /** The server knows of this next request number. */
  welcome(nextRequest: number): void {
    this.nextRequest = Math.max(this.nextRequest, nextRequest);
  }

  async buy(p: Purchase, o?: RequestOptions): Promise<Bought> {
    const own = p.request === undefined;
    // In the purchase itself: who runs out of patience can buy the same again.
    p.request ??= this.nextRequest++;
    try {
      return await this.send(p, o);
    } catch (error) {
      if (!own || !(error instanceof RefusedError) || error.code !== 'INVALID_ARGUMENT') throw error;
      // Another device of this player may have taken the number. If not, the purchase is wrong.
      const { nextRequest } = await this.getPlayer(o);
      if (nextRequest <= p.request) throw error;
      p.request = this.nextRequest++;
      return await this.send(p, o);
    }
  }

  private async send(p: Purchase, o?: RequestOptions): Promise<Bought> {
    const body: Json = { request: integer(p.request!), sku: p.sku, quantity: integer(p.quantity) };
    if (p.maxPrice) body.maxPrice = integer(p.maxPrice);
    return readBought(await this.host.request('buy', body, o));
  }

  async getPlayer(o?: RequestOptions): Promise<Player> {
    const player = readPlayer(await this.host.request('getPlayer', {}, o));
    this.welcome(player.nextRequest);
    return player;
  }

  async catalog(prefix: string, o?: RequestOptions): Promise<Catalog> {
    return readCatalog(await this.host.request('listCatalog', { prefix }, o));
  }

  async watch(skus: readonly string[], o?: RequestOptions): Promise<StockLevel[]> {
    this.watching++;
    try {
      const levels = messages(await this.host.request('watch', { skus }, o), 'levels').map(readStockLevel);
      this.watched = skus;
      return levels;
    } finally {
      this.watching--;
    }
  }

  /** Another connection is there: the watched list belonged to the last one. */
  resume(): void {
    // A watch that waits for its answer is newer, and is sent again by itself.
    if (this.watched.length === 0 || this.watching > 0) return;
    this.watch(this.watched, { timeoutMs: Infinity }).then(
      (levels) => levels.forEach(this.stock),
      (error: unknown) => this.host.trouble(error),
    );
  }
}

/** A number as JSON has it: above 2^53 it would arrive as another. */
function integer(n: number): string {
  if (!Number.isSafeInteger(n)) throw new RangeError(`${n} is no whole number below 2^53`);
  return String(n);
}
