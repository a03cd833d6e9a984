import type { FieldInfo } from './messages.js';

/** So many samples of an entity are kept: the buffer at 60 ticks a second, and room. */
const keptSamples = 32;
/** Positions are in hundredths of a unit. */
export const unit = 100;
/** What moves this much further than it can walk, in units, was put there. */
const leap = 1;

/** One entity of a zone, as it is shown at a moment. */
export interface Entity {
  id: number;
  /** Whose it is; undefined for a bot, or when that is not known yet. */
  player: string | undefined;
  /** It is the player's own. */
  self: boolean;
  /** In units, from the zone's south-west corner. */
  x: number;
  y: number;
  /** In radians, counterclockwise from east. */
  heading: number;
  hp: number;
  /** One of EntityState. */
  state: number;
  /** The last value of any other field of the zone's entities, by its name. */
  [field: string]: number | string | boolean | undefined;
}

/** Values of Entity.state. */
export const EntityState = { idle: 0, walking: 1, striking: 2, hurt: 3, dead: 4 } as const;

/** Track is where one entity has been lately. */
export class Track {
  /** The stream that had it last; 0 when that stream has ended. */
  stream = 0;
  /** The moment from which it is gone; Infinity while it is there. */
  leftAt = Infinity;
  /** What entities() hands out. */
  readonly shown: Entity;

  private readonly times = new Float64Array(keptSamples);
  private readonly values: Float64Array;
  /** How many samples were taken in all; the newest is at (taken-1) % keptSamples. */
  private taken = 0;

  constructor(
    readonly id: number,
    private readonly fields: FieldInfo[],
    /** The fastest that an entity walks, in units per second. */
    private readonly maxSpeed: number,
  ) {
    this.values = new Float64Array(keptSamples * fields.length);
    this.shown = { id, player: undefined, self: false, x: 0, y: 0, heading: 0, hp: 0, state: 0 };
  }

  /** The moment of the newest sample. */
  get newest(): number {
    return this.taken === 0 ? -Infinity : this.times[(this.taken - 1) % keptSamples]!;
  }

  /**
   * Takes the entity's values at a moment: those of its row in a table. since is
   * the moment until which it is known to have stayed as it was, 0 for unknown.
   */
  take(at: number, row: Uint32Array, offset: number, since: number): void {
    const { newest } = this;
    if (at <= newest) {
      if (newest - at < 1000) return; // the same again, of another cell
      this.taken = 0; // the clock of a new owner is behind
    }
    if (this.taken > 0 && since > newest + 0.5) this.push(since, this.values, ((this.taken - 1) % keptSamples) * this.fields.length);
    this.push(at, row, offset);
  }

  private push(at: number, row: Uint32Array | Float64Array, offset: number): void {
    const slot = this.taken++ % keptSamples;
    this.times[slot] = at;
    for (let f = 0; f < this.fields.length; f++) this.values[slot * this.fields.length + f] = row[offset + f]!;
  }

  /** Fills in what to show of a moment. */
  showAt(moment: number): Entity {
    const oldest = Math.max(0, this.taken - keptSamples);
    let before = this.taken - 1;
    while (before > oldest && this.times[before % keptSamples]! > moment) before--;
    const after = Math.min(before + 1, this.taken - 1);
    const from = this.times[before % keptSamples]!;
    const span = this.times[after % keptSamples]! - from;
    const share = span > 0 ? Math.min(1, Math.max(0, (moment - from) / span)) : 0;
    const reach = (leap + (this.maxSpeed * span) / 1000) * unit;
    const width = this.fields.length;
    for (let f = 0; f < width; f++) {
      const a = this.values[(before % keptSamples) * width + f]!;
      const b = this.values[(after % keptSamples) * width + f]!;
      this.shown[this.fields[f]!.name] = between(this.fields[f]!, a, b, share, reach);
    }
    return this.shown;
  }
}

/** The value of a field between two of its values; a position does not glide further than reach. */
function between(field: FieldInfo, a: number, b: number, share: number, reach: number): number {
  switch (field.kind) {
    case 'POSITION':
      return (Math.abs(b - a) > reach ? a : a + (b - a) * share) / unit;
    case 'ANGLE': {
      const turn = 2 ** field.bits;
      const half = turn / 2;
      const shortest = ((b - a + half + turn) % turn) - half;
      return ((a + shortest * share) / turn) * 2 * Math.PI;
    }
    default:
      return a;
  }
}
