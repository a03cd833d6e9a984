import { Keyframe } from './delta/keyframe.js';
import { type DeltaField, digest, ENUMERATION, Layout, MAX_BITS, MAX_FIELDS, POSITION } from './delta/layout.js';
import { State } from './delta/state.js';

export type { DeltaField } from './delta/layout.js';

/**
 * What a frame was not taken for. After each of them but 'stale' the decoder
 * needs a keyframe, and its table is the last good one.
 *
 * - gap: a frame before it is missing
 * - hash: the state decoded is not the one encoded
 * - malformed: no encoder made these bytes
 * - version: of another version of the format, or of another schema
 * - stale: of an older epoch, or seen already; the decoder is as before
 * - nokey: there was no keyframe since the start or the last error
 */
export type DeltaErrorCode = 'gap' | 'hash' | 'malformed' | 'version' | 'stale' | 'nokey';

export class DeltaError extends Error {
  override readonly name = 'DeltaError';

  constructor(readonly code: DeltaErrorCode) {
    super(`delta frame: ${code}`);
  }
}

/** Entities by increasing id; the values of their fields row by row. */
export interface DeltaTable {
  readonly length: number;
  readonly ids: Uint32Array;
  readonly values: Uint32Array;
}

/** Where the last good frame belongs. */
export interface DeltaHeader {
  /** It was a keyframe. */
  readonly key: boolean;
  readonly epoch: number;
  /** Of the frame, from 1 in each encoder. */
  readonly seq: number;
  readonly tick: number;
  /** When tick 0 was, in milliseconds since 1970. */
  readonly start: number;
  /** Ticks per second. */
  readonly hz: number;
}

const VERSION = 1;
const KEY_FLAG = 0x10;
const EPOCH_MASK = 0x0f;
const DELTA_HEADER = 4;
const MAX_HZ = 1000;

/**
 * DeltaDecoder follows the frames of one encoder of proto/delta, whose package
 * comment draws the format. Its table is valid until the next call of decode.
 */
export class DeltaDecoder {
  header: DeltaHeader = { key: false, epoch: 0, seq: 0, tick: 0, start: 0, hz: 1 };
  table: DeltaTable = { length: 0, ids: new Uint32Array(0), values: new Uint32Array(0) };
  private readonly state: State;
  private readonly keyframe: Keyframe;
  private readonly schema: number;
  private lost = true;

  /** Values of a field are below 2^bits; kinds are the numbers of client.v1.FieldKind. */
  constructor(fields: readonly DeltaField[]) {
    check(fields);
    const layout = new Layout(fields.map((f) => ({ ...f })));
    this.schema = digest(fields);
    this.state = new State(layout);
    this.keyframe = new Keyframe(layout);
  }

  /** Takes the next frame, or throws a DeltaError. */
  decode(frame: Uint8Array): void {
    try {
      if (frame.length < DELTA_HEADER) throw new DeltaError('malformed');
      if (frame[0]! >> 5 !== VERSION) throw new DeltaError('version');
      this.header = frame[0]! & KEY_FLAG ? this.decodeKey(frame) : this.decodeDelta(frame);
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === 'stale')) this.lost = true;
      throw error;
    }
    this.lost = false;
    const { length, ids, values, width } = this.state.rows;
    this.table = { length, ids: ids.subarray(0, length), values: values.subarray(0, length * width) };
  }

  private decodeDelta(frame: Uint8Array): DeltaHeader {
    const { header, state } = this;
    if (this.lost) throw new DeltaError('nokey');
    const newer = (frame[0]! - (header.epoch % 16)) & EPOCH_MASK;
    if (newer > EPOCH_MASK >> 1) throw new DeltaError('stale');
    if (newer > 0) throw new DeltaError('gap');
    const ahead = (frame[1]! - (header.seq % 256)) & 0xff;
    if (ahead === 0 || ahead >= 128) throw new DeltaError('stale');
    if (ahead > 1) throw new DeltaError('gap');
    const tick = state.frame(frame.subarray(DELTA_HEADER), header.tick);
    if (tick === undefined) throw new DeltaError('malformed');
    if (state.next.hash(tick) >>> 16 !== ((frame[2]! << 8) | frame[3]!)) throw new DeltaError('hash');
    state.swap();
    return { ...header, key: false, seq: header.seq + 1, tick };
  }

  private decodeKey(frame: Uint8Array): DeltaHeader {
    if (frame.length < 5) throw new DeltaError('malformed');
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (view.getUint32(1) !== this.schema) throw new DeltaError('version');
    let at = 5;
    const whole = (): number => {
      for (let v = 0, unit = 1, n = 0; n < 10 && at < frame.length; n++, unit *= 128) {
        const byte = frame[at++]!;
        v += (byte & 0x7f) * unit;
        if (v > Number.MAX_SAFE_INTEGER) break;
        if (byte < 0x80) return v;
      }
      throw new DeltaError('malformed');
    };
    const [epoch, seq, tick, start, hz] = [whole(), whole(), whole(), whole(), whole()];
    if (seq < 1 || tick > 0xffffffff || start > Number.MAX_SAFE_INTEGER / 2 || hz < 1 || hz > MAX_HZ) throw new DeltaError('malformed');
    if (epoch % 16 !== (frame[0]! & EPOCH_MASK)) throw new DeltaError('malformed');
    const header = { key: true, epoch, seq, tick, start, hz };
    if (this.stale(header)) throw new DeltaError('stale');
    const end = frame.length - 4;
    if (at > end) throw new DeltaError('malformed');
    const { state } = this;
    if (!this.keyframe.decode(frame.subarray(at, end), state)) throw new DeltaError('malformed');
    if ((checksum(frame, end) ^ state.next.hash(tick)) >>> 0 !== view.getUint32(end)) throw new DeltaError('hash');
    state.swap();
    return header;
  }

  /** Whether a keyframe is of an older epoch or, unless one is needed, not newer than the last frame. */
  private stale(header: DeltaHeader): boolean {
    const had = this.header;
    if (header.epoch !== had.epoch) return header.epoch < had.epoch;
    if (this.lost) return false;
    if (header.start === had.start) return header.seq <= had.seq;
    return millis(header) <= millis(had);
  }
}

function millis(header: DeltaHeader): number {
  return header.start + Math.floor((header.tick * 1000) / header.hz);
}

/** FNV-1a of the first bytes. */
function checksum(bytes: Uint8Array, end: number): number {
  let h = 2166136261;
  for (let i = 0; i < end; i++) h = Math.imul(h ^ bytes[i]!, 16777619);
  return h;
}

function check(fields: readonly DeltaField[]): void {
  const wrong = (what: string): never => {
    throw new RangeError(`delta schema: ${what}`);
  };
  if (fields.length < 1 || fields.length > MAX_FIELDS) wrong(`${fields.length} fields`);
  for (const { name, kind, bits } of fields) {
    if (!Number.isInteger(kind) || kind < POSITION || kind > ENUMERATION) wrong(`field ${name}: no kind ${kind}`);
    if (!Number.isInteger(bits) || bits < 1 || bits > MAX_BITS) wrong(`field ${name}: ${bits} bits`);
  }
}
