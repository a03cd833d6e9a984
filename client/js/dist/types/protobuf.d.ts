/**
 * ProtobufReader reads the fields of one encoded message: as much of the format
 * as the world's messages use.
 *
 *     for (const r = new ProtobufReader(bytes); r.next(); ) {
 *       if (r.field === 1) stream = r.varint();
 *       else r.skip();
 *     }
 */
export declare class ProtobufReader {
    private readonly bytes;
    field: number;
    private wireType;
    private at;
    constructor(bytes: Uint8Array);
    /** Reads the next field's tag; false at the end. */
    next(): boolean;
    /** The field's value: an unsigned number below 2^53. */
    varint(): number;
    /** The field's values, whether packed or one of them alone. */
    varints(): number[];
    /** The field's bytes: a view into the message. */
    slice(): Uint8Array;
    text(): string;
    /** Passes over the field's value. */
    skip(): void;
    private expect;
    private advance;
    private readVarint;
}
