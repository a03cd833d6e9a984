import { DeltaDecoder } from './delta.js';
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
    table: {
        readonly length: number;
        readonly ids: Uint32Array;
        readonly values: Uint32Array;
    };
}
/** Cell follows the frames of one interest cell: a stream of the gateway's. */
export declare class Cell {
    readonly stream: number;
    readonly number: number;
    /** The ids of the entities that the last frame had. */
    ids: Set<number>;
    /** A frame was missing, and a keyframe has not come yet. */
    lost: boolean;
    private readonly decoder;
    private askedAt;
    constructor(stream: number, number: number, fields: FieldInfo[]);
    take(frame: Uint8Array): Outcome;
    /** Whether it is time to ask for a keyframe, and if so remembers that it was asked for. */
    asks(nowMs: number): boolean;
    get table(): DeltaDecoder['table'];
    /** The last frame was a keyframe. */
    get key(): boolean;
    /** The last frame, as events tell it. */
    get frame(): Frame;
    /** The time between two ticks. */
    get tickMs(): number;
    /** The moment of the last frame, in the owner's milliseconds since 1970. */
    get moment(): number;
}
