/** Has the velocity of the first two positions turn to a heading. */
export declare function turnTo(v: Int32Array, turn: number, heading: number): void;
/** An angle of so many bits in 1/256 turn. */
export declare function in256(angle: number, bits: number): number;
/** A difference of two angles, from -2^(bits-1). */
export declare function wrapped(difference: number, bits: number): number;
