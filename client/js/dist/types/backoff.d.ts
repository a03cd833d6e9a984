/**
 * Backoff is the pause before the next attempt: it doubles from min to max, and
 * half of it is random so that the clients of a node that went away do not come
 * back all at once.
 */
export declare class Backoff {
    private readonly minMs;
    private readonly maxMs;
    private readonly random;
    private next;
    constructor(minMs: number, maxMs: number, random?: () => number);
    pauseMs(): number;
    reset(): void;
}
