import { dice } from '../colour.js';
import type { Camera } from './camera.js';

const slab = 2; // units along a paving slab
const slabs = 8; // along a tile, which repeats
const tilePixels = 512;

/** The place that all of it happens at: paving, a wall, lanterns on posts. */
export class Ground {
  private readonly tile: HTMLCanvasElement;
  private readonly glow: HTMLCanvasElement;
  private pattern: CanvasPattern | null = null;

  constructor() {
    this.tile = paving();
    this.glow = halo();
  }

  draw(g: CanvasRenderingContext2D, c: Camera, zone: { width: number; height: number }): void {
    g.fillStyle = '#080b13';
    g.fillRect(0, 0, c.width, c.height);

    const left = c.sx(0), right = c.sx(zone.width), top = c.sy(zone.height), bottom = c.sy(0);
    // What is outside is dark, but for the light that falls over the wall.
    const spill = 2.5 * c.scale;
    for (const [part, strength] of [[1, 0.03], [0.6, 0.035], [0.3, 0.05]] as const) {
      const w = spill * part;
      g.fillStyle = `rgba(255,190,100,${strength})`;
      g.beginPath();
      g.roundRect(left - w, top - w, right - left + 2 * w, bottom - top + 2 * w, w);
      g.fill();
    }

    this.pattern ??= g.createPattern(this.tile, 'repeat');
    if (this.pattern) {
      const k = (slab * slabs * c.scale) / tilePixels;
      this.pattern.setTransform(new DOMMatrix([k, 0, 0, k, left, bottom]));
      g.fillStyle = this.pattern;
      g.fillRect(left, top, right - left, bottom - top);
    }
    this.medallion(g, c, zone);

    // The wall, with the light of the plaza on its inner side.
    const w = 0.55 * c.scale;
    g.lineJoin = 'round';
    g.strokeStyle = '#05070c';
    g.lineWidth = w + 6;
    g.strokeRect(left - w / 2, top - w / 2, right - left + w, bottom - top + w);
    g.strokeStyle = '#2b3246';
    g.lineWidth = w;
    g.strokeRect(left - w / 2, top - w / 2, right - left + w, bottom - top + w);
    g.strokeStyle = 'rgba(255,205,130,0.28)';
    g.lineWidth = 1.5;
    g.strokeRect(left, top, right - left, bottom - top);
  }

  private medallion(g: CanvasRenderingContext2D, c: Camera, zone: { width: number; height: number }): void {
    const x = c.sx(zone.width / 2), y = c.sy(zone.height / 2);
    const r = Math.min(7, zone.width / 5, zone.height / 5) * c.scale;
    if (x + r < 0 || x - r > c.width || y + r < 0 || y - r > c.height) return;
    g.save();
    g.translate(x, y);
    g.fillStyle = 'rgba(12,16,27,0.62)';
    disc(g, r);
    g.fill();
    g.lineWidth = Math.max(1, c.scale * 0.07);
    for (const [part, alpha] of [[1, 0.34], [0.94, 0.16], [0.62, 0.2], [0.18, 0.3]] as const) {
      g.strokeStyle = `rgba(212,186,140,${alpha})`;
      disc(g, r * part);
      g.stroke();
    }
    for (let i = 0; i < 16; i++) {
      const long = i % 4 === 0 ? 0.9 : i % 2 === 0 ? 0.62 : 0.4;
      const wide = i % 4 === 0 ? 0.13 : 0.09;
      for (const side of [-1, 1]) {
        g.beginPath();
        g.moveTo(0, -r * long);
        g.lineTo(side * r * wide, -r * 0.16);
        g.lineTo(0, 0);
        g.closePath();
        g.fillStyle = side < 0 ? 'rgba(206,184,146,0.27)' : 'rgba(128,118,112,0.20)';
        g.fill();
      }
      g.rotate(Math.PI / 8);
    }
    g.restore();
  }

  /** The posts that are in sight, in units. */
  *posts(c: Camera, zone: { width: number; height: number }): Generator<{ x: number; y: number }> {
    const every = 10;
    const seen = (x: number, y: number) => {
      const sx = c.sx(x), sy = c.sy(y), far = 7 * c.scale;
      return sx > -far && sx < c.width + far && sy > -far && sy < c.height + far;
    };
    const from = c.at(0, c.height), to = c.at(c.width, 0);
    const first = (v: number) => Math.max(0, Math.floor(v / every) - 1);
    for (let i = first(from.x); i * every <= Math.min(zone.width, to.x + every); i++) {
      for (let j = first(from.y); j * every <= Math.min(zone.height, to.y + every); j++) {
        const x = i * every, y = j * every;
        const edge = x === 0 || y === 0 || x + every > zone.width || y + every > zone.height;
        if ((edge || (i + j) % 2 === 0) && seen(x, y) && !(x === zone.width / 2 && y === zone.height / 2)) yield { x, y };
      }
    }
  }

  /** Light on the ground around a lantern; strength 0..1. */
  light(g: CanvasRenderingContext2D, c: Camera, x: number, y: number, radius: number, strength: number): void {
    const r = radius * c.scale;
    g.globalCompositeOperation = 'lighter';
    g.globalAlpha = strength;
    g.drawImage(this.glow, c.sx(x) - r, c.sy(y) - r * 0.86, 2 * r, 2 * r * 0.86);
    g.globalAlpha = 1;
    g.globalCompositeOperation = 'source-over';
  }
}

/** A lantern on its post; it stands among the people. */
export function drawPost(g: CanvasRenderingContext2D, c: Camera, x: number, y: number, now: number): void {
  const s = c.scale, px = c.sx(x), py = c.sy(y);
  const flicker = 1 + 0.04 * Math.sin(now / 90 + x * 7) + 0.03 * Math.sin(now / 37 + y * 3);
  g.fillStyle = 'rgba(0,0,0,0.45)';
  ellipse(g, px, py, 0.42 * s, 0.18 * s);
  g.fill();
  g.fillStyle = '#1a1f2d';
  g.fillRect(px - 0.08 * s, py - 1.5 * s, 0.16 * s, 1.5 * s);
  g.fillStyle = '#3a4158';
  g.fillRect(px - 0.08 * s, py - 1.5 * s, 0.05 * s, 1.5 * s);
  g.fillStyle = '#10131d';
  g.fillRect(px - 0.2 * s, py - 0.12 * s, 0.4 * s, 0.14 * s);
  lantern(g, px, py - 1.5 * s, 0.52 * s, flicker);
}

/** A paper lantern that hangs around a point, size pixels high. */
export function lantern(g: CanvasRenderingContext2D, x: number, y: number, size: number, flicker: number): void {
  const w = size * 0.72, h = size;
  g.save();
  g.globalCompositeOperation = 'lighter';
  const far = g.createRadialGradient(x, y, 0, x, y, size * 2.3 * flicker);
  far.addColorStop(0, 'rgba(255,190,95,0.55)');
  far.addColorStop(1, 'rgba(255,150,50,0)');
  g.fillStyle = far;
  g.fillRect(x - size * 3, y - size * 3, size * 6, size * 6);
  g.restore();
  const lit = g.createRadialGradient(x, y + h * 0.1, 0, x, y, h * 0.75);
  lit.addColorStop(0, '#fff6dc');
  lit.addColorStop(0.5, '#ffd07a');
  lit.addColorStop(1, '#e08a33');
  g.fillStyle = lit;
  g.beginPath();
  g.roundRect(x - w / 2, y - h / 2, w, h, w * 0.3);
  g.fill();
  g.fillStyle = '#3a2a18';
  g.fillRect(x - w * 0.36, y - h * 0.6, w * 0.72, h * 0.14);
  g.fillRect(x - w * 0.36, y + h * 0.46, w * 0.72, h * 0.14);
}

export function disc(g: CanvasRenderingContext2D, r: number): void {
  g.beginPath();
  g.arc(0, 0, r, 0, 2 * Math.PI);
}

export function ellipse(g: CanvasRenderingContext2D, x: number, y: number, rx: number, ry: number): void {
  g.beginPath();
  g.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
}

function surface(size: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  return [canvas, canvas.getContext('2d')!];
}

/** Square slabs, each of its own shade; some are of four small ones. Worn a little. */
function paving(): HTMLCanvasElement {
  const [canvas, g] = surface(tilePixels);
  const next = dice(11);
  const side = tilePixels / slabs;
  g.fillStyle = '#0b0f18';
  g.fillRect(0, 0, tilePixels, tilePixels);
  const stone = (x: number, y: number, size: number) => {
    g.fillStyle = `hsl(${218 + next() * 14} ${15 + next() * 7}% ${13.4 + next() * 3.6}%)`;
    g.beginPath();
    g.roundRect(x + 1, y + 1, size - 2, size - 2, 3.5);
    g.fill();
    g.fillStyle = 'rgba(255,255,255,0.035)';
    g.fillRect(x + 3, y + 1.2, size - 6, 1.3);
    g.fillStyle = 'rgba(0,0,0,0.20)';
    g.fillRect(x + 3, y + size - 2.5, size - 6, 1.4);
  };
  for (let row = 0; row < slabs; row++) {
    for (let col = 0; col < slabs; col++) {
      const x = col * side, y = row * side;
      if (next() > 0.14) {
        stone(x, y, side);
        continue;
      }
      for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) stone(x + (dx * side) / 2, y + (dy * side) / 2, side / 2);
    }
  }
  for (let i = 0; i < 1400; i++) {
    g.fillStyle = next() < 0.5 ? 'rgba(255,255,255,0.03)' : 'rgba(0,0,0,0.13)';
    const r = 0.6 + next() * 1.5;
    g.fillRect(next() * tilePixels, next() * tilePixels, r, r);
  }
  return canvas;
}

function halo(): HTMLCanvasElement {
  const size = 256;
  const [canvas, g] = surface(size);
  const light = g.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  light.addColorStop(0, 'rgba(255,190,104,0.52)');
  light.addColorStop(0.18, 'rgba(255,174,88,0.33)');
  light.addColorStop(0.45, 'rgba(255,158,76,0.13)');
  light.addColorStop(0.75, 'rgba(255,146,70,0.03)');
  light.addColorStop(1, 'rgba(255,140,60,0)');
  g.fillStyle = light;
  g.fillRect(0, 0, size, size);
  return canvas;
}
