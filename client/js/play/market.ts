import { type Client, DeadlineError, RefusedError, type StockLevel } from '../src/index.js';
import { SalePanel, type Ware } from './hud/sale.js';
import { toast } from './hud/toasts.js';
import { reason } from './reason.js';

const firstWare = 'lantern';
// Events come when a product gets low or is sold out; the numbers between are asked for.
const lookMs = 1_000;

const refusals: Partial<Record<string, string>> = {
  SOLD_OUT: 'The last one is gone',
  INSUFFICIENT_FUNDS: 'That is more than you have',
  LIMIT_REACHED: 'You have as many as one may buy',
  NOT_ON_SALE: 'It is not on sale now',
  PRICE_CHANGED: 'The price has changed',
};

/** The flash sale: what is offered, what is left, what is bought. */
export class Market {
  /** Of the product on offer, in the backpack. */
  owned = 0;
  private balance = 0;
  private ware: Ware | undefined;
  private readonly panel = new SalePanel((ware) => this.buy(ware));

  constructor(private readonly client: Client) {}

  /** Shows the sale, once there is one. */
  open(): void {
    this.client.on('stock', (level) => this.level(level));
    this.client.on('state', (state) => {
      if (state === 'open') void this.refresh();
    });
    void this.refresh();
    setInterval(() => void this.look(), lookMs);
  }

  private async look(): Promise<void> {
    if (this.ware === undefined || this.client.state !== 'open' || document.hidden) return;
    try {
      for (const level of await this.client.watch([this.ware.sku], { timeoutMs: lookMs })) this.level(level);
    } catch {
      // What is left is a hint; the next look tells.
    }
  }

  private async refresh(): Promise<void> {
    try {
      if (this.ware === undefined) {
        const { products } = await this.client.catalog();
        const p = products.find((one) => one.sku === firstWare) ?? products[0];
        if (p === undefined) return;
        this.ware = p;
        this.panel.offer(p);
        await this.look();
      }
      const { sku, currency } = this.ware;
      const player = await this.client.getPlayer();
      this.owned = player.backpack.find((item) => item.sku === sku)?.quantity ?? 0;
      this.balance = player.wallet[currency] ?? 0;
      this.panel.purse(this.balance, this.owned);
    } catch {
      // The next connection asks again.
    }
  }

  private level(level: StockLevel): void {
    if (level.sku === this.ware?.sku) this.panel.level(level.free);
  }

  private async buy(ware: Ware): Promise<void> {
    const purchase = { sku: ware.sku, quantity: 1, maxPrice: ware.price };
    try {
      const { order, balance } = await this.client.buy(purchase);
      this.owned += order.quantity;
      this.balance = balance;
      this.panel.purse(balance, this.owned);
      toast('good', `${ware.title} bought`, `order ${order.request}, ${balance} ${ware.currency} left`);
    } catch (error) {
      if (error instanceof RefusedError) toast('bad', refusals[error.code] ?? 'Not bought', error.text);
      else if (error instanceof DeadlineError) toast('info', 'No answer yet', 'What became of it shows in your purse.');
      else toast('bad', 'Not bought', reason(error));
      void this.refresh();
    }
  }
}
