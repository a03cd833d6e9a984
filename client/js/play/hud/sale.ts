import { flash, part, say } from './page.js';

export interface Ware {
  sku: string;
  title: string;
  price: number;
  currency: string;
}

/** The flash sale: what is left, what one has, and a button. */
export class SalePanel {
  private readonly panel = part('sale');
  private readonly stock = part('stock');
  private readonly button = part<HTMLButtonElement>('buy');
  private ware: Ware | null = null;
  private free = -1;
  private full = 1;
  private balance: number | null = null;
  private owned = 0;
  private buying = false;
  private readonly sold: { at: number; free: number }[] = [];

  constructor(buy: (ware: Ware) => Promise<void>) {
    this.button.addEventListener('click', () => {
      if (!this.ware || this.buying) return;
      this.buying = true;
      this.show();
      void buy(this.ware).finally(() => {
        this.buying = false;
        this.show();
      });
    });
  }

  offer(ware: Ware): void {
    this.ware = ware;
    this.panel.hidden = false;
    say(part('sale-title'), ware.title || ware.sku);
    say(part('price'), `${ware.price} ${ware.currency}`);
    this.show();
  }

  level(free: number): void {
    if (free === this.free) return;
    const fell = this.free > free;
    this.free = free;
    // How much there was at first is not told; a bar needs a full length.
    this.full = Math.max(this.full, free);
    const now = performance.now();
    this.sold.push({ at: now, free });
    while (this.sold.length > 2 && this.sold[0]!.at < now - 10_000) this.sold.shift();
    this.show();
    if (fell) flash(this.stock, 'fell');
  }

  purse(balance: number, owned: number): void {
    this.balance = balance;
    this.owned = owned;
    this.show();
  }

  private show(): void {
    if (!this.ware) return;
    const out = this.free === 0;
    this.panel.dataset['state'] = out ? 'out' : this.free >= 0 && this.free <= this.full * 0.15 ? 'low' : 'open';
    say(part('sale-tag'), out ? 'Sold out' : 'Flash sale');
    say(this.stock, this.free < 0 ? '…' : this.free.toLocaleString('en'));
    say(part('stock-words'), this.free < 0 ? '' : this.full > this.free ? `of ${this.full.toLocaleString('en')} left` : 'left');
    part('meter').style.setProperty('--part', String(this.free < 0 ? 0 : this.free / this.full));
    say(part('pace'), this.pace());
    const poor = this.balance !== null && this.balance < this.ware.price;
    this.button.disabled = out || poor || this.buying || this.balance === null;
    say(this.button.firstElementChild as HTMLElement, out ? 'Gone' : this.buying ? 'Buying' : 'Buy');
    say(part('wallet'), this.balance === null ? '…' : `${this.balance.toLocaleString('en')} ${this.ware.currency}`);
    say(part('owned'), this.owned > 0 ? `${this.owned} yours` : '');
  }

  private pace(): string {
    const first = this.sold[0], last = this.sold[this.sold.length - 1];
    if (!first || !last || last.at - first.at < 500) return '';
    const each = ((first.free - last.free) * 1000) / (performance.now() - first.at);
    return each >= 0.5 ? `${each < 10 ? each.toFixed(1) : Math.round(each)}/s` : '';
  }
}
