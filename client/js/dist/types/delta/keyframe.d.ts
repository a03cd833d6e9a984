import { type Layout } from './layout.js';
import { type State } from './state.js';
/** Keyframe decodes the body of a keyframe into a state. */
export declare class Keyframe {
    private readonly layout;
    private readonly coder;
    constructor(layout: Layout);
    /** Decodes rows into state.next and all else into the state. False when no encoder made these bytes. */
    decode(body: Uint8Array, state: State): boolean;
    private row;
    private line;
    private past;
    /** Decodes of each model whether it has learnt anything, and what. */
    private models;
}
