import { type DeltaField } from './delta/layout.js';
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
export declare class DeltaError extends Error {
    readonly code: DeltaErrorCode;
    readonly name = "DeltaError";
    constructor(code: DeltaErrorCode);
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
/**
 * DeltaDecoder follows the frames of one encoder of proto/delta, whose package
 * comment draws the format. Its table is valid until the next call of decode.
 */
export declare class DeltaDecoder {
    header: DeltaHeader;
    table: DeltaTable;
    private readonly state;
    private readonly keyframe;
    private readonly schema;
    private lost;
    /** Values of a field are below 2^bits; kinds are the numbers of client.v1.FieldKind. */
    constructor(fields: readonly DeltaField[]);
    /** Takes the next frame, or throws a DeltaError. */
    decode(frame: Uint8Array): void;
    private decodeDelta;
    private decodeKey;
    /** Whether a keyframe is of an older epoch or, unless one is needed, not newer than the last frame. */
    private stale;
}
