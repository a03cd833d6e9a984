import type { Host } from './channel.js';
import type { RequestOptions } from './connection.js';
import { type Bought, type Catalog, type Player, type StockLevel } from './messages.js';
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
export declare class Shop {
    private readonly host;
    private readonly stock;
    private nextRequest;
    private watched;
    /** Counts the calls of watch that have not been answered. */
    private watching;
    constructor(host: Host, stock: (level: StockLevel) => void);
    /** The server knows of this next request number. */
    welcome(nextRequest: number): void;
    buy(p: Purchase, o?: RequestOptions): Promise<Bought>;
    private send;
    getPlayer(o?: RequestOptions): Promise<Player>;
    catalog(prefix: string, o?: RequestOptions): Promise<Catalog>;
    watch(skus: readonly string[], o?: RequestOptions): Promise<StockLevel[]>;
    /** Another connection is there: the watched list belonged to the last one. */
    resume(): void;
}
