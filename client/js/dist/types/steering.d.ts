import type { Host } from './channel.js';
import { RefusedError } from './errors.js';
import { type Json } from './json.js';
/**
 * Steering sends where the player wants to go: the first wish at once, and then
 * the newest one, never faster than the gateway likes.
 */
export declare class Steering {
    private readonly zone;
    private readonly host;
    private readonly clamped;
    private readonly refused;
    private wanted;
    private sentAt;
    private settled;
    private running;
    private ended;
    constructor(zone: string, host: Host, clamped: () => void, refused: (error: RefusedError) => void);
    /** From now on the player wants this: { steer: … } or { walk: … }. */
    want(action: Json): void;
    /** The zone may have forgotten what the player wants: it has another owner, or the connection was lost. */
    repeat(): void;
    end(): void;
    private run;
}
