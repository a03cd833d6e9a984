/** What a zone's frames cost, and how they arrive. Rates are over the last seconds. */
export interface ZoneStats {
  /** Of the messages with frames, keyframes among them. */
  bytesPerSecond: number;
  framesPerSecond: number;
  /** Since the zone was entered. */
  frames: number;
  keyframes: number;
  /** Frames that did not fit to the one before, so that a keyframe was asked for. */
  gaps: number;
  /** Frames of the past, which were passed over. */
  stale: number;
  /** Bytes of full protobuf snapshots of what was seen, over the bytes of the frames without keyframes. */
  ratio: number;
  /** From the owner's tick to the receipt here; the clocks' difference is estimated. */
  latencyMs: number;
  /** Intents that went beyond what is allowed, and were cut to it. */
  clamped: number;
}

/** Rates are over so many seconds. */
const seconds = 3;
/** The weight of a new latency. */
const weight = 0.1;

/** Meter counts a zone's frames. */
export class Meter {
  keyframes = 0;
  gaps = 0;
  stale = 0;
  clamped = 0;
  private frames = 0;
  private latencyMs = 0;
  /** By second, modulo the number of buckets. */
  private readonly buckets = Array.from({ length: seconds + 1 }, () => ({ second: -1, bytes: 0, frames: 0, deltaBytes: 0, fullBytes: 0 }));
  private since = NaN;

  /** A frame has arrived; full is the size of the snapshot that it stands for, 0 for a keyframe. */
  count(nowMs: number, bytes: number, full: number): void {
    if (Number.isNaN(this.since)) this.since = nowMs;
    this.frames++;
    const bucket = this.bucket(Math.floor(nowMs / 1000));
    bucket.bytes += bytes;
    bucket.frames++;
    if (full === 0) return;
    bucket.deltaBytes += bytes;
    bucket.fullBytes += full;
  }

  latency(ms: number): void {
    this.latencyMs = this.latencyMs === 0 ? ms : this.latencyMs + (ms - this.latencyMs) * weight;
  }

  private bucket(second: number): (typeof this.buckets)[number] {
    const bucket = this.buckets[second % this.buckets.length]!;
    if (bucket.second !== second) Object.assign(bucket, { second, bytes: 0, frames: 0, deltaBytes: 0, fullBytes: 0 });
    return bucket;
  }

  read(nowMs: number): ZoneStats {
    const second = Math.floor(nowMs / 1000);
    const lately = this.buckets.filter((b) => b.second >= second - seconds);
    const sum = (field: 'bytes' | 'frames' | 'deltaBytes' | 'fullBytes'): number => lately.reduce((n, b) => n + b[field], 0);
    // The last of the seconds has not ended yet.
    const span = Math.max(0.25, Math.min((nowMs - this.since) / 1000, nowMs / 1000 - (second - seconds)));
    const perSecond = (n: number): number => (Number.isNaN(span) ? 0 : n / span);
    const deltaBytes = sum('deltaBytes');
    return {
      bytesPerSecond: perSecond(sum('bytes')),
      framesPerSecond: perSecond(sum('frames')),
      frames: this.frames,
      keyframes: this.keyframes,
      gaps: this.gaps,
      stale: this.stale,
      ratio: deltaBytes === 0 ? 0 : sum('fullBytes') / deltaBytes,
      latencyMs: this.latencyMs,
      clamped: this.clamped,
    };
  }
}

/** The size of a table as a protobuf message of messages: an id and the fields of each entity. */
export function snapshotBytes(ids: Uint32Array, values: Uint32Array, length: number, stride: number): number {
  let size = 0;
  for (let i = 0; i < length; i++) {
    let row = field(ids[i]!);
    for (let f = 0; f < stride; f++) row += field(values[i * stride + f]!);
    size += 1 + varint(row) + row;
  }
  return size;
}

/** A field's tag and value; zeros are left out. */
function field(value: number): number {
  return value === 0 ? 0 : 1 + varint(value);
}

function varint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
