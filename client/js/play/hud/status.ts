import { flash, part, say } from './page.js';

/** What the status line is told, about twice a second. */
export interface Measures {
  bytesPerSecond: number;
  latencyMs: number;
  /** Full snapshots over delta frames. */
  ratio: number;
  framesPerSecond: number;
  /** The longest pause between two frames in the last seconds. */
  pauseMs: number;
  at: { x: number; y: number } | null;
}

const history = 48;

/** The line that says how the page and the world are connected. */
export class StatusLine {
  private readonly owner = part('owner');
  private readonly spark = part<HTMLCanvasElement>('spark');
  private readonly rates: number[] = [];

  link(state: 'open' | 'waiting' | 'closed', words: string): void {
    part('link').dataset['state'] = state;
    say(part('link-words'), words);
    const banner = part('banner');
    banner.hidden = state === 'open';
    banner.dataset['state'] = state;
    say(banner, words);
  }

  node(name: string): void {
    const before = this.owner.textContent ?? '';
    const text = name || 'nobody';
    if (before === text) return;
    say(this.owner, text);
    if (before !== '…') flash(this.owner, 'changed');
  }

  show(m: Measures): void {
    say(part('rate'), bytes(m.bytesPerSecond));
    say(part('latency'), m.framesPerSecond > 0 ? milliseconds(m.latencyMs) : '…');
    say(part('ratio'), m.ratio > 0 ? `${m.ratio < 10 ? m.ratio.toFixed(1) : Math.round(m.ratio)}× smaller` : '…');
    say(part('ticks'), `${Math.round(m.framesPerSecond)} Hz, pause ${Math.round(m.pauseMs)} ms`);
    say(part('at'), m.at ? `${m.at.x.toFixed(1)}, ${m.at.y.toFixed(1)}` : '…');
    this.rates.push(m.bytesPerSecond);
    if (this.rates.length > history) this.rates.shift();
    this.draw();
  }

  private draw(): void {
    const w = this.spark.clientWidth, h = this.spark.clientHeight;
    if (w === 0) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.spark.width = w * ratio;
    this.spark.height = h * ratio;
    const g = this.spark.getContext('2d')!;
    g.scale(ratio, ratio);
    const top = Math.max(...this.rates, 1) * 1.15;
    const x = (i: number) => w - ((this.rates.length - 1 - i) / (history - 1)) * w;
    const y = (v: number) => h - 1.5 - (v / top) * (h - 3);
    g.beginPath();
    this.rates.forEach((v, i) => (i === 0 ? g.moveTo(x(i), y(v)) : g.lineTo(x(i), y(v))));
    g.strokeStyle = '#7cc4ff';
    g.lineWidth = 1.4;
    g.lineJoin = 'round';
    g.stroke();
    g.lineTo(w, h);
    g.lineTo(x(0), h);
    g.closePath();
    g.fillStyle = 'rgba(124,196,255,0.14)';
    g.fill();
  }
}

/** The clocks of both ends are not known to a fraction of a millisecond. */
function milliseconds(n: number): string {
  return n < 1 ? '< 1 ms' : `${n.toFixed(n < 10 ? 1 : 0)} ms`;
}

function bytes(n: number): string {
  if (n < 1000) return `${Math.round(n)} B/s`;
  return `${(n / 1000).toFixed(n < 10_000 ? 2 : 1)} kB/s`;
}
