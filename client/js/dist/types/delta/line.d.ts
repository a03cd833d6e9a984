export declare const MAX_LINE = 2048;
export declare const TRUSTED = 3;
export declare const YOUNG = 8;
export declare const MAX_VELOCITY = 1000;
export declare const SMOOTHING = 6;
export declare function clamp(v: number, low: number, high: number): number;
/** 0, 1, 2, and then the length of n-1, up to 7. */
export declare function classOf(n: number): number;
/** Where a line's next point is: at step, or if up one above, or if down one below. */
export declare class Forecast {
    step: number;
    rho: number;
    up: boolean;
    down: boolean;
    get open(): boolean;
    allows(step: number): boolean;
}
/** Line recognises that the values of a position lie on a digital straight line: proto/delta/line.go explains it. */
export declare class Line {
    c: number;
    a: number;
    b: number;
    rho: number;
    n: number;
    up0: number;
    up1: number;
    low0: number;
    low1: number;
    vel: number;
    forecast(f: Forecast): void;
    take(f: Forecast, step: number): void;
    follow(f: Forecast, deviation: number): void;
    get rests(): boolean;
    get needsVelocity(): boolean;
    velocity(): number;
    smooth(velocity: number, step: number, gain: number): void;
    /** The latest points with the least and the largest remainder; -1 for none. */
    lean(): [up: number, low: number];
    private bend;
    private turn;
    private forget;
}
