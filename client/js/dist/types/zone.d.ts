import { type Frame } from './cell.js';
import { Channel } from './channel.js';
import type { RequestOptions } from './connection.js';
import { type Unsubscribe } from './emitter.js';
import { RefusedError } from './errors.js';
import { type FieldInfo, type ZoneInfo } from './messages.js';
import { type ZoneStats } from './stats.js';
import type { Entity } from './track.js';
/** A place, in units from the zone's south-west corner. */
export interface Point {
    x: number;
    y: number;
}
/** How a zone is entered. */
export interface EnterOptions extends RequestOptions {
    /** Only look: no entity, no presence. */
    spectate?: boolean;
    /** Where a spectator looks; the zone's middle by default. */
    at?: Point;
}
export interface ZoneEvents {
    /** A frame has arrived. It is shown a little later; see entities. */
    frame: Frame;
    /** Another node runs the zone now. */
    owner: string;
    /** It was entered again after the connection dropped; entity may have changed. */
    entered: Zone;
    /** It is over; undefined when this client has left it. Else it was closed, or left elsewhere, or is full. */
    left: Error | undefined;
    /** What steer or walk asked for was refused. */
    refused: RefusedError;
}
/** Zone is a piece of the world that this client is in. */
export declare class Zone {
    readonly name: string;
    private readonly host;
    private readonly gone;
    /** Who is here and what is said. A spectator hears what is said from now on, and says nothing. */
    readonly chat: Channel;
    info: ZoneInfo;
    /** What the entities' fields are. */
    fields: FieldInfo[];
    /** The player's own, 0 for a spectator. */
    entity: number;
    /** The node that runs the zone. */
    owner: string;
    /** How many players are in it. */
    get players(): number;
    private scene;
    private readonly cells;
    private early;
    private readonly meter;
    private readonly emitter;
    private readonly steering;
    private options;
    private resuming;
    private over;
    on<K extends keyof ZoneEvents>(name: K, listener: (value: ZoneEvents[K]) => void): Unsubscribe;
    /**
     * Where everything is to be shown now: interpolated, a little behind the newest
     * frame. now is by performance.now(), as requestAnimationFrame has it. The
     * entities are valid until the next call.
     */
    entities(now?: number): Entity[];
    /** How far behind the newest frame the world is shown. */
    get bufferMs(): number;
    set bufferMs(ms: number);
    get stats(): ZoneStats;
    /**
     * Moves on at a velocity, in units per second, until told otherwise. It may be
     * called as often as one likes: the newest wish is sent.
     */
    steer(vx: number, vy: number): void;
    /** Goes to a place. It may be called as often as one likes. */
    walk(x: number, y: number): void;
    /** Strikes another entity that is near; resolves to where the player's own is. */
    strike(entity: number): Promise<Point>;
    /** Has a spectator look elsewhere. */
    look(x: number, y: number): Promise<void>;
    /** Leaves the zone, on all of the player's connections; a spectator only stops looking. */
    leave(o?: RequestOptions): Promise<void>;
    private begin;
    private show;
    private lose;
}
