/** What a binary message of the server says; see ServerFrame in proto/client/v1. */
export interface WorldMessage {
    /** The request that it answers, 0 for none. */
    seq: number;
    key?: Key;
    delta?: Delta;
    gone?: number[];
}
/** The beginning of a cell's stream. */
interface Key {
    stream: number;
    zone: string;
    cell: number;
    frame: Uint8Array;
}
/** What has changed in a stream's cell. */
interface Delta {
    stream: number;
    frame: Uint8Array;
}
/**
 * Reads a message that was prepared for all viewers of a cell. Fields of a newer
 * server are passed over. Frames are views into the message.
 */
export declare function readWorldMessage(bytes: Uint8Array): WorldMessage;
export {};
