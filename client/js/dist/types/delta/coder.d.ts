export declare const PROB_BITS = 18;
export declare const COUNT_BITS = 8;
export declare const COUNT_LIMIT = 255;
export declare const UNKNOWN: number;
/** How many models a number has. */
export declare const NUMBER: number;
/** Coder decodes bits, and numbers made of them: proto/delta/coder.go and number.go. */
export declare class Coder {
    readonly models: Int32Array;
    private bytes;
    private at;
    private lo;
    private hi;
    private code;
    constructor(models: number);
    start(bytes: Uint8Array): void;
    /** More was decoded than was there. */
    get overrun(): boolean;
    /** All that was there was needed. */
    get exhausted(): boolean;
    bit(m: number): number;
    /** Decodes a bit that is one with probability p/65536. */
    fixed(p: number): number;
    /** Decodes a number from 0 to 2^32-1. */
    unsigned(m: number): number;
    /** Decodes a signed 32-bit number. */
    signed(m: number): number;
    /** The same, but for zero and sign with the models from first. */
    number(first: number, m: number): number;
    private positive;
    /** The next byte, and zeros behind the end. */
    private next;
}
