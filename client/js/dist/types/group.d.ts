import { Channel } from './channel.js';
import type { RequestOptions } from './connection.js';
/** Group is a group that the player is a member of. */
export declare class Group {
    readonly name: string;
    private readonly host;
    private readonly gone;
    /** Who is a member and what is said. */
    readonly chat: Channel;
    /** Ends the membership. */
    leave(o?: RequestOptions): Promise<void>;
}
