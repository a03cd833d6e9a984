import { DeltaDecoder, DeltaError } from './delta.js';
import type { FieldInfo } from './messages.js';

/** What became of a frame. */
export type Outcome = 'taken' | 'stale' | 'lost';

/** What a frame of one interest cell says. */
export interface Frame {
  cell: number;
  /** It was a keyframe. */
  key: boolean;
  /** Grows with every change of the zone's owner. */
  epoch: number;
  /** Counts the frames of the cell. */
  seq: number;
  /** Of the world. */
  tick: number;
  /** In the owner's milliseconds since 1970. */
  moment: number;
  /** All entities of the cell, by id: the fields' values row by row, as they are. It is valid during the call. */
  table: { readonly length: number; readonly ids: Uint32Array; readonly values: Uint32Array };
}

/** The numbers of client.v1.FieldKind. */
const kinds = { POSITION: 1, ANGLE: 2, LEVEL: 3, ENUMERATION: 4 };

/** A keyframe is asked for at most this often. */
const resyncMs = 1_000;

/** Cell follows the frames of one interest cell: a stream of the gateway's. */
export class Cell {
  /** The ids of the entities that the last frame had. */
  ids: Set<number> = new Set();
  /** A frame was missing, and a keyframe has not come yet. */
  lost = false;
  private readonly decoder: DeltaDecoder;
  private askedAt = -Infinity;

  constructor(
    readonly stream: number,
    readonly number: number,
    fields: FieldInfo[],
  ) {
    this.decoder = new DeltaDecoder(fields.map((f) => ({ name: f.name, kind: kinds[f.kind], bits: f.bits })));
  }

  take(frame: Uint8Array): Outcome {
    try {
      this.decoder.decode(frame);
      return 'taken';
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      return error.code === 'stale' ? 'stale' : 'lost';
    }
  }

  /** Whether it is time to ask for a keyframe, and if so remembers that it was asked for. */
  asks(nowMs: number): boolean {
    if (nowMs - this.askedAt < resyncMs) return false;
    this.askedAt = nowMs;
    return true;
  }

  get table(): DeltaDecoder['table'] {
    return this.decoder.table;
  }

  /** The last frame was a keyframe. */
  get key(): boolean {
    return this.decoder.header.key;
  }

  /** The last frame, as events tell it. */
  get frame(): Frame {
    const { key, epoch, seq, tick } = this.decoder.header;
    return { cell: this.number, key, epoch, seq, tick, moment: this.moment, table: this.table };
  }

  /** The time between two ticks. */
  get tickMs(): number {
    return 1000 / this.decoder.header.hz;
  }

  /** The moment of the last frame, in the owner's milliseconds since 1970. */
  get moment(): number {
    const { header } = this.decoder;
    return header.start + (header.tick * 1000) / header.hz;
  }
}
