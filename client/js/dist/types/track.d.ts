import type { FieldInfo } from './messages.js';
/** Positions are in hundredths of a unit. */
export declare const unit = 100;
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
export declare const EntityState: {
    readonly idle: 0;
    readonly walking: 1;
    readonly striking: 2;
    readonly hurt: 3;
    readonly dead: 4;
};
/** Track is where one entity has been lately. */
export declare class Track {
    readonly id: number;
    private readonly fields;
    /** The fastest that an entity walks, in units per second. */
    private readonly maxSpeed;
    /** The stream that had it last; 0 when that stream has ended. */
    stream: number;
    /** The moment from which it is gone; Infinity while it is there. */
    leftAt: number;
    /** What entities() hands out. */
    readonly shown: Entity;
    private readonly times;
    private readonly values;
    /** How many samples were taken in all; the newest is at (taken-1) % keptSamples. */
    private taken;
    constructor(id: number, fields: FieldInfo[], 
    /** The fastest that an entity walks, in units per second. */
    maxSpeed: number);
    /** The moment of the newest sample. */
    get newest(): number;
    /**
     * Takes the entity's values at a moment: those of its row in a table. since is
     * the moment until which it is known to have stayed as it was, 0 for unknown.
     */
    take(at: number, row: Uint32Array, offset: number, since: number): void;
    private push;
    /** Fills in what to show of a moment. */
    showAt(moment: number): Entity;
}
