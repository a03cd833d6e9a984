/**
 * Playout says which moment of the world to show: the quickest frames' delay
 * behind, and then the buffer. It needs no agreement between the clocks, since
 * both ends of a delay are taken as they are.
 */
export declare class Playout {
    bufferMs: number;
    /** The least delays of this window and of the one before it. */
    private least;
    private leastBefore;
    private windowEnds;
    /** The delay in use, and when it was looked at last. */
    private delay;
    private lookedAt;
    constructor(bufferMs: number);
    /** A frame of the world's moment worldMs has arrived at nowMs, by the local clock. */
    arrived(worldMs: number, nowMs: number): void;
    /** The world's moment to show at nowMs. */
    at(nowMs: number): number;
}
