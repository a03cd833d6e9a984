import type { Host } from './channel.js';
import type { RequestOptions } from './connection.js';
import { Group } from './group.js';
import { type Json } from './json.js';
import { type EnterOptions, Zone } from './zone.js';
/** World is the zones and groups that a client is in, and whom each message is for. */
export declare class World {
    private readonly host;
    readonly zones: Map<string, Zone>;
    readonly groups: Map<string, Group>;
    /** Which zone a stream of the gateway's is of. */
    private readonly streams;
    constructor(host: Host);
    enter(name: string, o: EnterOptions): Promise<Zone>;
    private forget;
    join(name: string, o?: RequestOptions): Promise<Group>;
    /** The connection dropped: streams are a connection's own. */
    freeze(): void;
    /** Another connection is there: enters and joins again. */
    resume(): void;
    /** A binary message. */
    receive(bytes: Uint8Array): void;
    private end;
    /** A pushed frame; false when it is about something else. */
    push(frame: Json): boolean;
    private channel;
}
