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
/** Meter counts a zone's frames. */
export declare class Meter {
    keyframes: number;
    gaps: number;
    stale: number;
    clamped: number;
    private frames;
    private latencyMs;
    /** By second, modulo the number of buckets. */
    private readonly buckets;
    private since;
    /** A frame has arrived; full is the size of the snapshot that it stands for, 0 for a keyframe. */
    count(nowMs: number, bytes: number, full: number): void;
    latency(ms: number): void;
    private bucket;
    read(nowMs: number): ZoneStats;
}
/** The size of a table as a protobuf message of messages: an id and the fields of each entity. */
export declare function snapshotBytes(ids: Uint32Array, values: Uint32Array, length: number, stride: number): number;
