import { Coder } from './coder.js';
import { Layout } from './layout.js';
import { Line } from './line.js';
import { Past } from './past.js';
import { Rows } from './rows.js';
export declare const MAX_ENTITIES = 4096;
/** State is what a decoder has in common with the encoder after each frame: state.go, members.go, attributes.go and motion.go of proto/delta. */
export declare class State {
    readonly layout: Layout;
    readonly coder: Coder;
    readonly masks: readonly number[];
    rows: Rows;
    next: Rows;
    /** Row by row, one for each position. */
    lines: Line[];
    pasts: Past[];
    readonly joined: Uint32Array;
    moved: boolean;
    private readonly forecasts;
    private readonly velocities;
    constructor(layout: Layout);
    /** Decodes next from rows. Returns the tick, or undefined when no encoder made these bytes. */
    frame(bytes: Uint8Array, tick: number): number | undefined;
    /** Makes next the table, and keeps the memory of the other one. */
    swap(): void;
    /** Decodes who has left and joined. Returns of each row of next where it was, -1 for nowhere; true when all are where they were. */
    private members;
    /** Decodes the values of one who joins, by their differences to the last one who did. */
    private join;
    private stateOf;
    private attributes;
    private attribute;
    private motion;
    /** Decodes by how much a step deviates from the forecast: not at all, or by 1 or -1. */
    private choose;
    private move;
    private stray;
}
