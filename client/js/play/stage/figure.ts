import { botCoat, coatOf, type Coat } from '../colour.js';

/** States of an entity, as the server's zones use them. */
export const State = { idle: 0, walking: 1, striking: 2, hurt: 3, dead: 4 } as const;

/** Entities from here on are bots. */
export const firstBot = 1 << 20;

export const fullHp = 1000;

/** What the zone says of one entity at this moment. */
export interface Seen {
  readonly id: number;
  /** In units. */
  readonly x: number;
  readonly y: number;
  /** In radians, from the east against the clock. */
  readonly heading: number;
  readonly hp: number;
  readonly state: number;
}

/** What has just happened to a figure. */
export type Happening = 'arrived' | 'struck' | 'hit' | 'fell' | 'rose';

/** An entity as it is shown: what was seen of it, made smooth. */
export class Figure {
  readonly bot: boolean;
  readonly coat: Coat;
  name = '';

  x: number;
  y: number;
  hp: number;
  state: number;
  /** On the screen, where y grows down. */
  facing: number;
  pace = 0;
  step: number;
  swing = 0;
  pain = 0;
  down: number;
  there = 0;
  /** Of the bar, which falls behind what the hp are. */
  trailing: number;
  /** Seconds since it was last seen; it fades away when that grows. */
  unseen = 0;
  private calm: number;

  constructor(e: Seen, player: string) {
    this.bot = e.id >= firstBot;
    this.coat = this.bot ? botCoat(e.id) : coatOf(player || `#${e.id}`);
    this.name = player;
    this.x = e.x;
    this.y = e.y;
    this.hp = this.trailing = e.hp;
    this.state = e.state;
    this.facing = -e.heading;
    this.step = (e.id % 7) * 0.9;
    this.down = e.state === State.dead ? 1 : 0;
    this.calm = e.hp < fullHp ? 0 : 1;
  }

  /** Takes what is seen now, and says what has happened since. */
  see(e: Seen, seconds: number): Happening[] {
    const out: Happening[] = [];
    if (this.there === 0) out.push('arrived');
    if (e.hp < this.hp) {
      out.push('hit');
      this.pain = 1;
      this.calm = 0;
    }
    if (e.state === State.striking && this.state !== State.striking) {
      out.push('struck');
      this.swing = 1;
    }
    if (e.state === State.dead && this.state !== State.dead) out.push('fell');
    if (e.state !== State.dead && this.state === State.dead) out.push('rose');

    const moved = Math.hypot(e.x - this.x, e.y - this.y);
    const speed = seconds > 0 ? moved / seconds : 0;
    // A body that is set somewhere else has not walked there.
    const walking = speed < 25 ? Math.min(1, speed / 3) : 0;
    this.pace += (walking - this.pace) * Math.min(1, seconds * 14);
    this.step += Math.min(speed, 9) * seconds * 2.1;
    this.facing = turn(this.facing, -e.heading, Math.min(1, seconds * 16));
    this.x = e.x;
    this.y = e.y;
    this.hp = e.hp;
    this.state = e.state;
    this.unseen = 0;
    this.there = Math.min(1, this.there + seconds * 3 + 0.001);
    this.rest(seconds);
    return out;
  }

  /** Fades, since nothing more is seen of it. True when it is gone. */
  fade(seconds: number): boolean {
    this.unseen += seconds;
    this.pace *= Math.exp(-seconds * 8);
    this.there = Math.max(0, this.there - seconds * 4);
    this.rest(seconds);
    return this.there === 0;
  }

  /** How visible the bar with its hp is, 0..1. */
  get bar(): number {
    if (this.state === State.dead) return 0;
    return this.hp < fullHp ? 1 : Math.max(0, 1 - this.calm);
  }

  private rest(seconds: number): void {
    this.swing = Math.max(0, this.swing - seconds * 3.6);
    this.pain = Math.max(0, this.pain - seconds * 3.4);
    const lies = this.state === State.dead ? 1 : 0;
    this.down += (lies - this.down) * Math.min(1, seconds * 9);
    if (this.hp > this.trailing) this.trailing = this.hp;
    this.trailing += (this.hp - this.trailing) * Math.min(1, seconds * 3);
    this.calm = this.hp < fullHp ? 0 : this.calm + seconds;
  }
}

/** Part of the way from one angle to another, the short way round. */
function turn(from: number, to: number, part: number): number {
  const tau = 2 * Math.PI;
  const d = ((((to - from + Math.PI) % tau) + tau) % tau) - Math.PI;
  return from + d * part;
}
