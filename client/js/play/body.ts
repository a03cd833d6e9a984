import { type Entity, EntityState, RefusedError, type Zone } from '../src/index.js';
import { flash, part } from './hud/page.js';
import { toast } from './hud/toasts.js';

/** A blow reaches so far, and another can follow after so long: the server's rules. */
const reach = 2;
const cooldownMs = 500;
/** Who has been struck down is back after this. */
const deadMs = 3_000;
/** A click this near, in units, means somebody and not the ground. */
const grip = 0.9;

/** The player's own body: what it is told to do, and what it could do now. */
export class Body {
  me: Entity | undefined;
  /** Whom a blow would strike now, 0 for nobody. */
  target = 0;
  goal: { x: number; y: number } | null = null;
  private struckAt = -Infinity;
  private deadSince = NaN;

  constructor(private readonly zone: Zone) {}

  /** Looks around for what is near. */
  look(entities: readonly Entity[], now: number): void {
    this.me = entities.find((e) => e.self);
    this.target = 0;
    const { me } = this;
    if (!me) return;
    if (me.state !== EntityState.dead) this.deadSince = NaN;
    else if (Number.isNaN(this.deadSince)) this.deadSince = now;
    if (this.goal && Math.hypot(this.goal.x - me.x, this.goal.y - me.y) < 0.35) this.goal = null;
    if (me.state === EntityState.dead) return;
    let nearest = reach;
    for (const e of entities) {
      if (e.self || e.state === EntityState.dead) continue;
      const far = Math.hypot(e.x - me.x, e.y - me.y);
      if (far < nearest) {
        nearest = far;
        this.target = e.id;
      }
    }
  }

  /** Goes on in a direction, at most 1 long; null: stands. */
  steer(direction: { x: number; y: number } | null): void {
    this.goal = null;
    const speed = this.zone.info.maxSpeed;
    // Steps of a thirtieth: a thumb that trembles is no new wish.
    const round = (v: number) => Math.round(v * 30) / 30;
    this.zone.steer(round(direction?.x ?? 0) * speed, round(direction?.y ?? 0) * speed);
  }

  stop(): void {
    this.goal = null;
  }

  /** Goes to a place, or strikes who stands there. */
  point(at: { x: number; y: number }, entities: readonly Entity[]): void {
    const { me } = this;
    if (!me || me.state === EntityState.dead) return;
    let found: Entity | undefined, nearest = grip;
    for (const e of entities) {
      if (e.self || e.state === EntityState.dead) continue;
      // Bodies stand up from where their feet are.
      const far = Math.hypot(e.x - at.x, e.y + 0.5 - at.y);
      if (far < nearest) {
        nearest = far;
        found = e;
      }
    }
    if (found && Math.hypot(found.x - me.x, found.y - me.y) <= reach) {
      this.hit(found.id);
      return;
    }
    this.walk(at);
  }

  /** Goes to a place, or as near as the zone has it. */
  walk(at: { x: number; y: number }): void {
    if (!this.me || this.me.state === EntityState.dead) return;
    const { width, height } = this.zone.info;
    const goal = { x: Math.min(Math.max(at.x, 0), width), y: Math.min(Math.max(at.y, 0), height) };
    this.goal = goal;
    this.zone.walk(goal.x, goal.y);
  }

  /** Strikes whoever is nearest. */
  strike(): void {
    if (this.me?.state === EntityState.dead) return;
    if (this.target === 0) {
      flash(part('strike'), 'cooling');
      return;
    }
    this.hit(this.target);
  }

  private hit(entity: number): void {
    const now = performance.now();
    if (now - this.struckAt < cooldownMs) return;
    this.struckAt = now;
    flash(part('strike'), 'cooling');
    this.zone.strike(entity).catch((error: unknown) => {
      // Who has just walked away, or was struck down by another, is no news.
      if (error instanceof RefusedError && error.code === 'RATE_LIMITED') toast('bad', 'Too fast', error.text);
    });
  }

  /** Seconds until a dead body is back. */
  backIn(now: number): number {
    return Number.isNaN(this.deadSince) ? 0 : Math.max(1, Math.ceil((deadMs - (now - this.deadSince)) / 1000));
  }

  /** Shows what could be done now. */
  show(now: number): void {
    part('strike').classList.toggle('ready', this.target !== 0);
    part('fallen').hidden = Number.isNaN(this.deadSince) || now - this.deadSince > 2 * deadMs;
  }
}
