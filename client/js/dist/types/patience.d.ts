/**
 * Patience bounds all that one request waits for: its turn, its answers, and the
 * pauses between its attempts.
 */
export declare class Patience {
    private readonly signal?;
    /** What kept the request from its final answer, told when patience ends. */
    cause: unknown;
    private readonly over;
    private readonly timer;
    private readonly onAbort;
    constructor(what: string, timeoutMs: number, signal?: AbortSignal | undefined);
    /**
     * Waits until start has called done or failed, or patience ends. What start
     * returns is called afterwards in any case.
     */
    wait<T>(start: (done: (value: T) => void, failed: (error: unknown) => void) => () => void): Promise<T>;
    sleep(ms: number): Promise<void>;
    end(): void;
}
