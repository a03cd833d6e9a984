import { hash } from '../colour.js';
import { Camera } from './camera.js';
import { Effects } from './effects.js';
import { Figure, State, fullHp, type Seen } from './figure.js';
import { Ground, drawPost, ellipse, lantern } from './ground.js';
import { drawPawn } from './pawn.js';

/** What the stage shows. */
export interface Scene {
  zone: { readonly width: number; readonly height: number };
  /** The player's own entity, 0 for none. */
  me: number;
  /** Who an entity is; "" for bots and strangers. */
  nameOf(entity: number): string;
  /** The entity that a blow would strike now, 0 for none. */
  target: number;
  /** Where the player has been sent, in units. */
  goal: { x: number; y: number } | null;
  /** Lanterns that the player has bought. */
  lanterns: number;
  /** What was said just now, by whom. */
  bubbles: ReadonlyMap<string, { text: string; until: number }>;
}

/** A rectangle by its middle. */
interface Box {
  x: number;
  y: number;
  w: number;
}

interface Standing {
  y: number;
  draw: () => void;
}

/** The canvas with the world on it. */
export class Stage {
  readonly camera = new Camera();
  readonly effects = new Effects();
  readonly figures = new Map<number, Figure>();
  /** Called when the player's own figure is hit, falls or rises. */
  onSelf: (what: 'hit' | 'fell' | 'rose') => void = () => {};

  private readonly g: CanvasRenderingContext2D;
  private readonly ground = new Ground();
  private readonly motes: { x: number; y: number; seed: number }[] = [];
  private vignette: CanvasGradient | null = null;
  private resized = true;
  private last = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.g = canvas.getContext('2d', { alpha: false })!;
    // A canvas that gets a size is empty until it is drawn: only draw does both.
    new ResizeObserver(() => (this.resized = true)).observe(canvas);
    for (let i = 0; i < 26; i++) this.motes.push({ x: Math.random(), y: Math.random(), seed: Math.random() * 100 });
  }

  private resize(): void {
    this.resized = false;
    const w = this.canvas.clientWidth, h = this.canvas.clientHeight;
    // More than two pixels to a point cost much and show little.
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    this.g.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.camera.resize(w, h);
    this.vignette = this.g.createRadialGradient(w / 2, h / 2, Math.min(w, h) * 0.42, w / 2, h / 2, Math.hypot(w, h) * 0.56);
    this.vignette.addColorStop(0, 'rgba(4,6,12,0)');
    this.vignette.addColorStop(1, 'rgba(4,6,12,0.72)');
  }

  /** Draws one frame; now is in milliseconds, of any clock that runs evenly. */
  draw(now: number, scene: Scene, seen: readonly Seen[]): void {
    const seconds = Math.min(0.1, Math.max(0, (now - this.last) / 1000));
    this.last = now;
    if (this.resized) this.resize();
    this.look(scene, seen, seconds);
    this.effects.step(seconds);

    const g = this.g, c = this.camera;
    const mine = this.figures.get(scene.me);
    c.follow(mine?.x ?? scene.zone.width / 2, mine?.y ?? scene.zone.height / 2, scene.zone, seconds);

    this.ground.draw(g, c, scene.zone);
    const posts = [...this.ground.posts(c, scene.zone)];
    for (const p of posts) this.ground.light(g, c, p.x, p.y, 7.5, 0.74 + 0.03 * Math.sin(now / 300 + p.x));
    if (mine) this.ground.light(g, c, mine.x, mine.y, scene.lanterns > 0 ? 6.5 : 3, (scene.lanterns > 0 ? 0.72 : 0.22) * mine.there);
    if (scene.goal) this.goal(scene.goal, now);
    this.effects.drawBelow(g, c);
    if (mine && mine.down < 0.5) this.underMe(mine, now);
    const target = this.figures.get(scene.target);
    if (target) this.reticle(target, now);

    const standing: Standing[] = posts.map((p) => ({ y: p.y, draw: () => drawPost(g, c, p.x, p.y, now) }));
    for (const [id, f] of this.figures) {
      if (!this.inSight(f.x, f.y)) continue;
      standing.push({ y: f.y, draw: () => this.figure(f, id, id === scene.me, scene, now) });
    }
    standing.sort((a, b) => b.y - a.y);
    for (const s of standing) s.draw();

    this.effects.drawAbove(g, c);
    this.drift(now);
    g.fillStyle = this.vignette!;
    g.fillRect(0, 0, c.width, c.height);
    // Names and bars are read, so nothing lies over them.
    for (const [id, f] of this.figures) if (this.inSight(f.x, f.y)) this.label(f, id === scene.me);
    this.effects.drawWords(g, c);
    const bubbles: Box[] = [];
    for (const [id, f] of this.figures) this.bubble(f, id, scene, now, bubbles);
  }

  private look(scene: Scene, seen: readonly Seen[], seconds: number): void {
    const here = new Set<number>();
    for (const e of seen) {
      here.add(e.id);
      const name = scene.nameOf(e.id);
      let f = this.figures.get(e.id);
      if (!f || (name && f.name !== name)) {
        const known = f;
        f = new Figure(e, name);
        if (known) f.there = known.there;
        this.figures.set(e.id, f);
      }
      const hp = f.hp;
      for (const what of f.see(e, seconds)) this.happen(f, what, hp - e.hp, e.id === scene.me);
    }
    for (const [id, f] of this.figures) {
      if (here.has(id)) continue;
      if (f.unseen === 0 && this.inSight(f.x, f.y)) this.effects.leave(f.x, f.y);
      if (f.fade(seconds)) this.figures.delete(id);
    }
  }

  private happen(f: Figure, what: string, damage: number, me: boolean): void {
    if (!this.inSight(f.x, f.y)) return;
    switch (what) {
      case 'arrived':
        if (!f.bot) this.effects.arrive(f.x, f.y, f.coat.light);
        break;
      case 'struck':
        this.effects.slash(f.x, f.y, f.facing);
        break;
      case 'hit':
        this.effects.hit(f.x, f.y, damage, me);
        if (me) {
          this.camera.shake = 9;
          this.onSelf('hit');
        }
        break;
      case 'fell':
        this.effects.fall(f.x, f.y);
        if (me) this.onSelf('fell');
        break;
      case 'rose':
        this.effects.heal(f.x, f.y);
        if (me) this.onSelf('rose');
        break;
    }
  }

  private inSight(x: number, y: number): boolean {
    const c = this.camera, far = 3 * c.scale, sx = c.sx(x), sy = c.sy(y);
    return sx > -far && sx < c.width + far && sy > -far && sy < c.height + far;
  }

  private figure(f: Figure, id: number, me: boolean, scene: Scene, now: number): void {
    const g = this.g, c = this.camera;
    drawPawn(g, {
      x: c.sx(f.x), y: c.sy(f.y), scale: c.scale, coat: f.coat, bot: f.bot, facing: f.facing,
      pace: f.pace, step: f.step, swing: f.swing, pain: f.pain, down: f.down, there: f.there,
      blink: (now + hash(`${id}`) % 5000) % 4200 < 130,
    });
    if (me && scene.lanterns > 0 && f.down < 0.5) {
      const side = Math.cos(f.facing) < 0 ? -1 : 1;
      const x = c.sx(f.x) + side * 0.62 * c.scale, y = c.sy(f.y) - (0.62 + 0.05 * Math.sin(f.step * 2)) * c.scale;
      lantern(g, x, y, 0.36 * c.scale, 1 + 0.05 * Math.sin(now / 80));
    }
  }

  private underMe(f: Figure, now: number): void {
    const g = this.g, c = this.camera, r = 0.82 * c.scale;
    g.save();
    g.translate(c.sx(f.x), c.sy(f.y));
    g.scale(1, 0.6);
    g.rotate(now / 2600);
    g.strokeStyle = f.coat.light;
    g.globalAlpha = 0.85 * f.there;
    g.lineWidth = Math.max(1.5, c.scale * 0.065);
    g.setLineDash([r * 0.62, r * 0.43]);
    g.beginPath();
    g.arc(0, 0, r, 0, 2 * Math.PI);
    g.stroke();
    g.restore();
  }

  private reticle(f: Figure, now: number): void {
    const g = this.g, c = this.camera, r = (0.78 + 0.05 * Math.sin(now / 130)) * c.scale;
    g.save();
    g.translate(c.sx(f.x), c.sy(f.y));
    g.scale(1, 0.6);
    g.strokeStyle = 'rgba(255,107,111,0.95)';
    g.lineWidth = Math.max(1.8, c.scale * 0.08);
    for (let i = 0; i < 4; i++) {
      const a = (i * Math.PI) / 2 + Math.PI / 4 + now / 1500;
      g.beginPath();
      g.arc(0, 0, r, a - 0.36, a + 0.36);
      g.stroke();
    }
    g.restore();
  }

  private goal(at: { x: number; y: number }, now: number): void {
    const g = this.g, c = this.camera, x = c.sx(at.x), y = c.sy(at.y);
    const r = (0.36 + 0.06 * Math.sin(now / 160)) * c.scale;
    g.strokeStyle = 'rgba(255,214,150,0.75)';
    g.lineWidth = 1.8;
    ellipse(g, x, y, r, r * 0.6);
    g.stroke();
    g.fillStyle = 'rgba(255,214,150,0.9)';
    ellipse(g, x, y, 0.1 * c.scale, 0.06 * c.scale);
    g.fill();
  }

  /** Moths and dust in the light, to give the air some depth. */
  private drift(now: number): void {
    const g = this.g, c = this.camera;
    g.globalCompositeOperation = 'lighter';
    for (const m of this.motes) {
      const t = now / 1000 + m.seed;
      const x = (((m.x * c.width + Math.sin(t * 0.4) * 40 + t * 6 - c.x * c.scale * 1.15) % c.width) + c.width) % c.width;
      const y = (((m.y * c.height + Math.cos(t * 0.33) * 34 + c.y * c.scale * 1.15) % c.height) + c.height) % c.height;
      g.globalAlpha = 0.16 + 0.16 * Math.sin(t * 1.9);
      g.fillStyle = '#ffd9a0';
      g.beginPath();
      g.arc(x, y, 1.3, 0, 2 * Math.PI);
      g.fill();
    }
    g.globalAlpha = 1;
    g.globalCompositeOperation = 'source-over';
  }

  private label(f: Figure, me: boolean): void {
    const g = this.g, c = this.camera, x = c.sx(f.x);
    let y = c.sy(f.y) - (f.bot ? 1.62 : 1.42) * c.scale;
    const shown = f.there * (1 - f.down * 0.5);
    const bar = me && f.state !== State.dead ? 1 : f.bar;
    if (bar > 0) {
      const w = Math.round(1.25 * c.scale), h = Math.max(4, Math.round(0.15 * c.scale));
      const left = Math.round(x - w / 2), top = Math.round(y - h / 2);
      const part = Math.max(0, Math.min(1, f.hp / fullHp)), late = Math.max(0, Math.min(1, f.trailing / fullHp));
      g.globalAlpha = bar * shown;
      g.fillStyle = 'rgba(6,9,16,0.82)';
      g.beginPath();
      g.roundRect(left - 1.5, top - 1.5, w + 3, h + 3, (h + 3) / 2);
      g.fill();
      const fill = (share: number, colour: string) => {
        if (share <= 0) return;
        g.fillStyle = colour;
        g.beginPath();
        g.roundRect(left, top, Math.max(h, w * share), h, h / 2);
        g.fill();
      };
      fill(late, '#fff2d8');
      fill(part, part > 0.5 ? '#6fe0a3' : part > 0.25 ? '#ffbf5e' : '#ff6b6f');
      y -= h + 3;
    }
    if (f.name) {
      const size = Math.max(11.5, Math.min(14, c.scale * 0.42));
      g.font = `${me ? 700 : 600} ${size}px Inter, "Segoe UI", system-ui, -apple-system, "DejaVu Sans", sans-serif`;
      g.textAlign = 'center';
      g.textBaseline = 'middle';
      const w = g.measureText(f.name).width + 12, h = size + 6;
      y -= h / 2;
      g.globalAlpha = 0.9 * shown;
      g.fillStyle = 'rgba(9,12,21,0.66)';
      g.beginPath();
      g.roundRect(x - w / 2, y - h / 2, w, h, h / 2);
      g.fill();
      g.globalAlpha = shown;
      g.fillStyle = me ? '#ffdca3' : '#eef2ff';
      g.fillText(f.name, x, y + 0.5);
    }
    g.globalAlpha = 1;
  }

  /** Draws what a figure has just said, above the bubbles that are there already. */
  private bubble(f: Figure, id: number, scene: Scene, now: number, others: Box[]): void {
    const said = f.name ? scene.bubbles.get(f.name) : undefined;
    if (!said || said.until < now || !this.inSight(f.x, f.y)) return;
    const g = this.g, c = this.camera;
    if (c.sx(f.x) < 0 || c.sx(f.x) > c.width) return;
    const left = said.until - now;
    const text = said.text.length > 42 ? `${said.text.slice(0, 41)}…` : said.text;
    g.font = '500 13px Inter, "Segoe UI", system-ui, -apple-system, "DejaVu Sans", sans-serif';
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    const w = g.measureText(text).width + 20, h = 26;
    const half = w / 2 + 6;
    const x = Math.max(half, Math.min(c.width - half, c.sx(f.x)));
    let y = c.sy(f.y) - 1.42 * c.scale - 34 - (id === scene.me || f.bar > 0 ? 8 : 0);
    for (const b of others) if (Math.abs(b.x - x) < (b.w + w) / 2 && Math.abs(b.y - y) < h + 4) y = b.y - h - 4;
    others.push({ x, y, w });
    g.globalAlpha = Math.min(1, left / 400) * f.there;
    g.fillStyle = 'rgba(244,247,255,0.96)';
    g.beginPath();
    g.roundRect(x - w / 2, y - h / 2, w, h, 12);
    g.fill();
    const tip = Math.max(x - w / 2 + 14, Math.min(x + w / 2 - 14, c.sx(f.x)));
    g.beginPath();
    g.moveTo(tip - 5, y + h / 2 - 1);
    g.lineTo(tip, y + h / 2 + 6);
    g.lineTo(tip + 5, y + h / 2 - 1);
    g.fill();
    g.fillStyle = '#161b2a';
    g.fillText(text, x, y + 0.5);
    g.globalAlpha = 1;
  }
}
