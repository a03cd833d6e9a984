import type { FieldInfo, ZoneInfo } from './messages.js';
import { Playout } from './playout.js';
import { type Entity, Track } from './track.js';

/** How far behind the newest frame the world is shown, at least. */
const leastBufferMs = 100;
/** The same in ticks, for slow zones. */
const bufferTicks = 1.5;
/**
 * What a cell does not show any more may be in another, whose frame comes on its
 * own way: it is shown so much longer.
 */
const lateMs = 250;
/** What no stream shows any more is forgotten after so long. */
const orphanMs = 3_000;

/** What a cell's newest frame says. */
export interface Sight {
  readonly stream: number;
  /** The entities that the frame before had; the scene keeps it. */
  ids: Set<number>;
  /** It was a keyframe. */
  readonly key: boolean;
  /** Its moment, in the owner's milliseconds since 1970. */
  readonly moment: number;
  readonly tickMs: number;
  readonly table: { readonly length: number; readonly ids: Uint32Array; readonly values: Uint32Array };
}

/** Scene is all entities of a zone that are seen, whatever cell they are in. */
export class Scene {
  readonly playout: Playout;
  private readonly tracks = new Map<number, Track>();
  /** From then on, by the local clock, tracks without a stream are dropped. */
  private sweepAt = Infinity;

  constructor(
    private readonly zone: ZoneInfo,
    private readonly fields: FieldInfo[],
  ) {
    this.playout = new Playout(Math.max(leastBufferMs, (bufferTicks * 1000) / (zone.hz || 20)));
  }

  /** Takes in what a cell's frame says. */
  take(cell: Sight, nowMs: number): void {
    const { moment, table, tickMs } = cell;
    this.playout.arrived(moment, nowMs);
    // A cell that does not change says nothing: it was like this until the tick before.
    const since = cell.key ? 0 : moment - tickMs;
    const ids = new Set<number>();
    for (let i = 0; i < table.length; i++) {
      const id = table.ids[i]!;
      ids.add(id);
      this.track(id, cell.stream).take(moment, table.values, i * this.fields.length, since);
    }
    for (const id of cell.ids) {
      const track = ids.has(id) ? undefined : this.tracks.get(id);
      // Another cell may have it already.
      if (track?.stream === cell.stream) track.leftAt = moment + lateMs;
    }
    cell.ids = ids;
  }

  private track(id: number, stream: number): Track {
    let track = this.tracks.get(id);
    if (track === undefined) {
      track = new Track(id, this.fields, this.zone.maxSpeed);
      this.tracks.set(id, track);
    }
    track.stream = stream;
    track.leftAt = Infinity;
    return track;
  }

  /** A cell is out of sight: what was in it is too, unless another has it. */
  leave(cell: Pick<Sight, 'stream' | 'ids'>): void {
    for (const id of cell.ids) {
      const track = this.tracks.get(id);
      if (track?.stream === cell.stream) track.leftAt = track.newest;
    }
  }

  /** The streams have ended with their connection. Their entities stay until others show them. */
  freeze(): void {
    this.sweepAt = Infinity;
    for (const track of this.tracks.values()) track.stream = 0;
  }

  /** New streams have begun. */
  thaw(nowMs: number): void {
    this.sweepAt = nowMs + orphanMs;
  }

  /** Where everything is to be shown at a moment of the local clock. */
  entities(nowMs: number): Entity[] {
    const moment = this.playout.at(nowMs);
    const shown: Entity[] = [];
    for (const track of this.tracks.values()) {
      if (track.leftAt <= moment || (track.stream === 0 && nowMs > this.sweepAt)) this.tracks.delete(track.id);
      else shown.push(track.showAt(moment));
    }
    return shown;
  }
}
