/** Rows is a table: the values of entities, row by row, sorted by id. */
export declare class Rows {
    readonly width: number;
    length: number;
    ids: Uint32Array;
    values: Uint32Array;
    constructor(width: number);
    /** Adds a row of zeros, and returns where its values begin. */
    append(id: number): number;
    /** Adds a row of another table. */
    copy(from: Rows, row: number): void;
    copyAll(from: Rows): void;
    /** Whether all values are within their fields' masks. */
    fits(masks: readonly number[]): boolean;
    /** The hash of ids and values: Table.hash of proto/delta/table.go. */
    hash(tick: number): number;
}
