/** One column of a table; kinds have the numbers of client.v1.FieldKind. */
export interface DeltaField {
    name: string;
    kind: number;
    bits: number;
}
export declare const POSITION = 1;
export declare const ANGLE = 2;
export declare const ENUMERATION = 4;
export declare const MAX_FIELDS = 16;
export declare const MAX_BITS = 24;
export declare const STATES = 8;
export declare const AGES = 32;
export declare const HABITS = 8;
export declare const CLASSES = 8;
export declare const HINTS = 5;
export declare const SIZES = 4;
export declare const TREE_MAX = 4;
/** Layout says which field plays which part, and where the models of each decision begin: proto/delta/layout.go. */
export declare class Layout {
    readonly fields: readonly DeltaField[];
    readonly positions: number[];
    heading: number;
    state: number;
    readonly attrs: number[];
    models: number;
    readonly tick: number;
    readonly members: number;
    readonly leaves: number;
    readonly joins: number;
    readonly id: number;
    readonly joined: number;
    readonly attr: number;
    readonly attrChanged: number;
    readonly attrNumber: number;
    readonly attrTree: number;
    readonly straight: number;
    readonly deviates: number;
    readonly deviatesTo: number;
    readonly turns: number;
    readonly turn: number;
    readonly stops: number;
    readonly strays: number;
    readonly stray: number;
    constructor(fields: readonly DeltaField[]);
    private take;
}
/** FNV-1a over the fields: kind, bits, length of the name, name. */
export declare function digest(fields: readonly DeltaField[]): number;
