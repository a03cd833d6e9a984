import type { FieldInfo, ZoneInfo } from './messages.js';
import { Playout } from './playout.js';
import { type Entity } from './track.js';
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
    readonly table: {
        readonly length: number;
        readonly ids: Uint32Array;
        readonly values: Uint32Array;
    };
}
/** Scene is all entities of a zone that are seen, whatever cell they are in. */
export declare class Scene {
    private readonly zone;
    private readonly fields;
    readonly playout: Playout;
    private readonly tracks;
    /** From then on, by the local clock, tracks without a stream are dropped. */
    private sweepAt;
    constructor(zone: ZoneInfo, fields: FieldInfo[]);
    /** Takes in what a cell's frame says. */
    take(cell: Sight, nowMs: number): void;
    private track;
    /** A cell is out of sight: what was in it is too, unless another has it. */
    leave(cell: Pick<Sight, 'stream' | 'ids'>): void;
    /** The streams have ended with their connection. Their entities stay until others show them. */
    freeze(): void;
    /** New streams have begun. */
    thaw(nowMs: number): void;
    /** Where everything is to be shown at a moment of the local clock. */
    entities(nowMs: number): Entity[];
}
