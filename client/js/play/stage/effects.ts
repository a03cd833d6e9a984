import type { Camera } from './camera.js';

interface Spark {
  x: number;
  y: number;
  z: number; // above the ground
  vx: number;
  vy: number;
  vz: number;
  age: number;
  life: number;
  size: number;
  colour: string;
  heavy: boolean;
}

interface Word {
  x: number;
  y: number;
  text: string;
  colour: string;
  age: number;
}

interface Ring {
  x: number;
  y: number;
  from: number;
  to: number;
  age: number;
  life: number;
  colour: string;
}

interface Slash {
  x: number;
  y: number;
  facing: number;
  age: number;
}

// More at a time would not be seen; the oldest give way.
const most = 400;

/** What flashes up for a moment: sparks, numbers, rings, blades. In units and seconds. */
export class Effects {
  private sparks: Spark[] = [];
  private words: Word[] = [];
  private rings: Ring[] = [];
  private slashes: Slash[] = [];

  hit(x: number, y: number, damage: number, mine: boolean): void {
    this.burst(x, y, 0.7, 10, mine ? '#ff7d7d' : '#ffd9a0', 3.6);
    this.ring(x, y, 0.3, 1.25, 0.32, 'rgba(255,236,210,0.8)');
    this.word(x, y + 1.1, `−${Math.round(damage / 10)}`, mine ? '#ff8d8d' : '#ffe2b0');
  }

  heal(x: number, y: number): void {
    this.burst(x, y, 0.3, 14, '#a8ffd0', 1.4, false);
    this.ring(x, y, 1.5, 0.2, 0.5, 'rgba(150,255,205,0.6)');
  }

  arrive(x: number, y: number, colour: string): void {
    this.ring(x, y, 0.2, 1.4, 0.55, colour);
    this.burst(x, y, 0.2, 8, colour, 1.3, false);
  }

  leave(x: number, y: number): void {
    this.burst(x, y, 0.5, 10, '#9aa6c4', 1.2, false);
  }

  fall(x: number, y: number): void {
    this.ring(x, y, 0.3, 1.9, 0.6, 'rgba(255,120,110,0.55)');
    this.burst(x, y, 0.5, 16, '#d8746f', 2.4);
  }

  goal(x: number, y: number): void {
    this.ring(x, y, 0.75, 0.12, 0.4, 'rgba(255,214,150,0.9)');
  }

  slash(x: number, y: number, facing: number): void {
    this.slashes.push({ x, y, facing, age: 0 });
  }

  private ring(x: number, y: number, from: number, to: number, life: number, colour: string): void {
    this.rings.push({ x, y, from, to, life, colour, age: 0 });
  }

  private word(x: number, y: number, text: string, colour: string): void {
    this.words.push({ x: x + (Math.random() - 0.5) * 0.3, y, text, colour, age: 0 });
  }

  private burst(x: number, y: number, z: number, n: number, colour: string, force: number, heavy = true): void {
    for (let i = 0; i < n; i++) {
      const a = Math.random() * 2 * Math.PI, f = force * (0.4 + Math.random() * 0.8);
      this.sparks.push({
        x, y, z, vx: Math.cos(a) * f, vy: Math.sin(a) * f * 0.7, vz: heavy ? 1 + Math.random() * 2.4 : 0.5 + Math.random() * 1.4,
        age: 0, life: 0.35 + Math.random() * 0.35, size: 0.04 + Math.random() * 0.06, colour, heavy,
      });
    }
    if (this.sparks.length > most) this.sparks.splice(0, this.sparks.length - most);
  }

  step(seconds: number): void {
    for (const s of this.sparks) {
      s.age += seconds;
      s.x += s.vx * seconds;
      s.y += s.vy * seconds;
      s.z = Math.max(0, s.z + s.vz * seconds);
      s.vz -= (s.heavy ? 11 : 0.6) * seconds;
      s.vx *= Math.exp(-2.5 * seconds);
      s.vy *= Math.exp(-2.5 * seconds);
    }
    for (const list of [this.words, this.rings, this.slashes]) for (const e of list) e.age += seconds;
    this.sparks = this.sparks.filter((s) => s.age < s.life);
    this.words = this.words.filter((w) => w.age < 0.9);
    this.rings = this.rings.filter((r) => r.age < r.life);
    this.slashes = this.slashes.filter((s) => s.age < 0.22);
  }

  /** What lies on the ground, below everybody. */
  drawBelow(g: CanvasRenderingContext2D, c: Camera): void {
    for (const r of this.rings) {
      const t = r.age / r.life, ease = 1 - (1 - t) * (1 - t);
      const radius = (r.from + (r.to - r.from) * ease) * c.scale;
      g.globalAlpha = 1 - t;
      g.strokeStyle = r.colour;
      g.lineWidth = Math.max(1, c.scale * 0.09 * (1 - t));
      g.beginPath();
      g.ellipse(c.sx(r.x), c.sy(r.y), radius, radius * 0.62, 0, 0, 2 * Math.PI);
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  /** What flies, above everybody. */
  drawAbove(g: CanvasRenderingContext2D, c: Camera): void {
    for (const s of this.slashes) {
      const t = s.age / 0.22;
      g.save();
      g.translate(c.sx(s.x), c.sy(s.y) - 0.5 * c.scale);
      g.rotate(s.facing);
      g.globalAlpha = 1 - t * t;
      const r = c.scale * 1.15, at = -1.15 + 2.1 * t;
      const blade = g.createRadialGradient(0, 0, r * 0.55, 0, 0, r);
      blade.addColorStop(0, 'rgba(255,255,255,0)');
      blade.addColorStop(0.7, 'rgba(255,240,214,0.55)');
      blade.addColorStop(1, 'rgba(255,255,255,0.95)');
      g.fillStyle = blade;
      g.beginPath();
      g.arc(0, 0, r, at - 0.9, at + 0.25);
      g.arc(r * 0.22, 0, r * 0.72, at + 0.25, at - 0.9, true);
      g.closePath();
      g.fill();
      g.restore();
    }
    g.globalCompositeOperation = 'lighter';
    for (const s of this.sparks) {
      g.globalAlpha = 1 - s.age / s.life;
      g.fillStyle = s.colour;
      g.beginPath();
      g.arc(c.sx(s.x), c.sy(s.y) - s.z * c.scale, s.size * c.scale, 0, 2 * Math.PI);
      g.fill();
    }
    g.globalCompositeOperation = 'source-over';
    g.globalAlpha = 1;
  }

  /** What is to be read. */
  drawWords(g: CanvasRenderingContext2D, c: Camera): void {
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    for (const w of this.words) {
      const t = w.age / 0.9;
      const grow = t < 0.12 ? 0.6 + (t / 0.12) * 0.6 : 1.2 - Math.min(1, (t - 0.12) * 4) * 0.2;
      g.globalAlpha = 1 - Math.max(0, t - 0.5) * 2;
      g.font = `800 ${Math.round(c.scale * 0.46 * grow)}px system-ui, sans-serif`;
      const y = c.sy(w.y) - (1 - (1 - t) * (1 - t)) * 0.9 * c.scale;
      g.lineWidth = 4;
      g.strokeStyle = 'rgba(8,10,18,0.85)';
      g.lineJoin = 'round';
      g.strokeText(w.text, c.sx(w.x), y);
      g.fillStyle = w.colour;
      g.fillText(w.text, c.sx(w.x), y);
    }
    g.globalAlpha = 1;
  }
}
