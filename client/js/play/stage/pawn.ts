import type { Coat } from '../colour.js';
import { ellipse } from './ground.js';

/** How a body is drawn this moment. Lengths are in pixels, angles in radians. */
export interface Pose {
  /** Where the feet are. */
  x: number;
  y: number;
  /** Pixels a unit. */
  scale: number;
  coat: Coat;
  bot: boolean;
  /** Where it looks, on the screen: 0 is right, a quarter turn is down. */
  facing: number;
  /** How fast it walks, 0..1, and how far into a step it is. */
  pace: number;
  step: number;
  /** 1 right after a blow struck, or taken, then down to 0. */
  swing: number;
  pain: number;
  /** 0 stands, 1 lies. */
  down: number;
  /** 0 is about to appear, 1 is there. */
  there: number;
  /** Eyes shut for a moment. */
  blink: boolean;
}

/** A small person: a rounded body with two eyes that show where it is going. */
export function drawPawn(g: CanvasRenderingContext2D, p: Pose): void {
  const s = p.scale;
  const pop = p.there < 1 ? 1 - Math.pow(1 - p.there, 3) * Math.cos(p.there * 5) : 1;
  const hop = Math.abs(Math.sin(p.step)) * 0.13 * p.pace * s;
  const squash = 1 + 0.07 * p.pace * Math.cos(p.step * 2) + 0.22 * p.pain;
  const w = 0.84 * s * pop * squash;
  const h = (1.12 * s * pop) / squash;
  const fx = Math.cos(p.facing), fy = Math.sin(p.facing);

  g.save();
  g.globalAlpha = Math.min(1, p.there * 2) * (1 - 0.45 * p.down);
  g.fillStyle = 'rgba(0,0,0,0.42)';
  ellipse(g, p.x + 0.07 * s, p.y + 0.03 * s, w * (0.60 - 0.2 * (hop / s)) * (1 + 0.35 * p.down), w * 0.27);
  g.fill();

  const lunge = p.swing > 0 ? Math.sin(Math.min(1, p.swing) * Math.PI) * 0.30 * s : 0;
  const lean = fx * 0.10 * p.pace + p.pain * 0.16 * Math.sin(p.pain * 30);
  g.translate(p.x + fx * lunge, p.y - hop + fy * lunge * 0.7);
  g.rotate(lean * (1 - p.down) + (fx < 0 ? -1 : 1) * p.down * 1.45);

  feet(g, w, p);
  if (p.bot) antenna(g, s, h, p);
  body(g, w, h, p.coat);
  if (p.pain > 0.05) {
    g.globalAlpha *= Math.min(1, p.pain * 1.3);
    shape(g, w, h);
    g.fillStyle = '#fff';
    g.fill();
    g.globalAlpha /= Math.min(1, p.pain * 1.3);
  }
  face(g, w, h, fx, fy, p);
  g.restore();
}

function shape(g: CanvasRenderingContext2D, w: number, h: number): void {
  const r = w / 2;
  g.beginPath();
  g.moveTo(-r, -r * 0.5);
  g.lineTo(-r * 0.94, -h + r);
  g.arc(0, -h + r, r * 0.94, Math.PI, 0);
  g.lineTo(r, -r * 0.5);
  g.quadraticCurveTo(r, 0, r * 0.4, 0.03 * h);
  g.lineTo(-r * 0.4, 0.03 * h);
  g.quadraticCurveTo(-r, 0, -r, -r * 0.5);
  g.closePath();
}

function body(g: CanvasRenderingContext2D, w: number, h: number, c: Coat): void {
  shape(g, w, h);
  const fill = g.createLinearGradient(-w * 0.3, -h, w * 0.25, 0);
  fill.addColorStop(0, c.light);
  fill.addColorStop(0.45, c.body);
  fill.addColorStop(1, c.dark);
  g.fillStyle = fill;
  g.fill();
  g.lineWidth = Math.max(1.25, w * 0.055);
  g.strokeStyle = c.line;
  g.stroke();
  // The light comes from above, on the left.
  g.save();
  g.clip();
  g.beginPath();
  g.ellipse(-w * 0.17, -h * 0.83, w * 0.22, h * 0.10, -0.5, 0, 2 * Math.PI);
  g.fillStyle = 'rgba(255,255,255,0.34)';
  g.fill();
  g.fillStyle = 'rgba(255,176,90,0.16)';
  g.fillRect(-w, -h * 0.22, 2 * w, h * 0.3);
  g.restore();
}

function feet(g: CanvasRenderingContext2D, w: number, p: Pose): void {
  const stride = Math.sin(p.step * 2) * 0.11 * w * p.pace, ahead = Math.cos(p.facing);
  g.fillStyle = p.coat.line;
  for (const side of [-1, 1]) {
    ellipse(g, side * w * 0.24 + side * stride * ahead, w * 0.03 - Math.max(0, side * stride) * 0.8, w * 0.19, w * 0.12);
    g.fill();
  }
}

function antenna(g: CanvasRenderingContext2D, s: number, h: number, p: Pose): void {
  const sway = Math.sin(p.step) * 0.07 * s * p.pace;
  g.strokeStyle = p.coat.line;
  g.lineWidth = Math.max(1.2, 0.06 * s);
  g.beginPath();
  g.moveTo(0, -h + 0.04 * s);
  g.quadraticCurveTo(sway * 0.3, -h - 0.14 * s, sway, -h - 0.27 * s);
  g.stroke();
  g.fillStyle = p.down > 0.5 ? '#39415a' : '#8fd6ff';
  g.beginPath();
  g.arc(sway, -h - 0.29 * s, 0.075 * s, 0, 2 * Math.PI);
  g.fill();
}

function face(g: CanvasRenderingContext2D, w: number, h: number, fx: number, fy: number, p: Pose): void {
  // Who walks away shows the back of the head.
  const turned = Math.max(0, Math.min(1, (fy + 0.72) * 3));
  if (turned === 0) return;
  const cx = fx * w * 0.21, cy = -h * 0.66 + fy * h * 0.05;
  const apart = w * 0.17 * Math.sqrt(1 - 0.45 * fx * fx);
  g.globalAlpha *= turned;
  for (const side of [-1, 1]) {
    const x = cx + side * apart;
    if (p.down > 0.5) {
      g.strokeStyle = p.coat.line;
      g.lineWidth = Math.max(1.4, w * 0.06);
      const r = w * 0.075;
      g.beginPath();
      g.moveTo(x - r, cy - r);
      g.lineTo(x + r, cy + r);
      g.moveTo(x + r, cy - r);
      g.lineTo(x - r, cy + r);
      g.stroke();
      continue;
    }
    const open = p.blink ? 0.12 : p.pain > 0.2 ? 0.35 : 1;
    g.fillStyle = p.bot ? '#0d1524' : '#fff';
    ellipse(g, x, cy, w * 0.115, w * 0.15 * open);
    g.fill();
    g.fillStyle = p.bot ? '#9fe0ff' : '#10131f';
    const r = p.bot ? w * 0.05 : w * 0.078;
    ellipse(g, x + fx * w * 0.042, cy + fy * w * 0.045, r, Math.min(r, w * 0.14 * open) * 1.1);
    g.fill();
    if (!p.bot && open === 1) {
      g.fillStyle = 'rgba(255,255,255,0.9)';
      ellipse(g, x + fx * w * 0.042 - w * 0.025, cy + fy * w * 0.045 - w * 0.035, w * 0.024, w * 0.024);
      g.fill();
    }
  }
}
