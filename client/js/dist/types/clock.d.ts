/**
 * ServerClock estimates the server's wall clock from round trips: the one that
 * was quickest says it best.
 */
export declare class ServerClock {
    private readonly samples;
    private offsetMs;
    /** Takes a measurement: the server said serverTime between sent and received. */
    sample(sent: number, received: number, serverTime: number): void;
    /** The server's time in milliseconds since 1970. */
    now(): number;
    /** The measurements were of another server. */
    forget(): void;
}
