import { ProtobufReader } from './protobuf.js';

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

/** Field numbers of ServerFrame. */
const seqField = 1;
const worldField = 11;
const worldKeyField = 12;
const worldGoneField = 13;

/**
 * Reads a message that was prepared for all viewers of a cell. Fields of a newer
 * server are passed over. Frames are views into the message.
 */
export function readWorldMessage(bytes: Uint8Array): WorldMessage {
  const message: WorldMessage = { seq: 0 };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === seqField) message.seq = r.varint();
    else if (r.field === worldField) message.delta = readDelta(r.slice());
    else if (r.field === worldKeyField) message.key = readKey(r.slice());
    else if (r.field === worldGoneField) message.gone = readGone(r.slice());
    else r.skip();
  }
  return message;
}

function readDelta(bytes: Uint8Array): Delta {
  const delta: Delta = { stream: 0, frame: none };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) delta.stream = r.varint();
    else if (r.field === 2) delta.frame = r.slice();
    else r.skip();
  }
  return delta;
}

function readKey(bytes: Uint8Array): Key {
  const key: Key = { stream: 0, zone: '', cell: 0, frame: none };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) key.stream = r.varint();
    else if (r.field === 2) key.zone = r.text();
    else if (r.field === 3) key.cell = r.varint();
    else if (r.field === 4) key.frame = r.slice();
    else r.skip();
  }
  return key;
}

/** Streams are packed: one field with all numbers; both forms are read. */
function readGone(bytes: Uint8Array): number[] {
  const streams: number[] = [];
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) streams.push(...r.varints());
    else r.skip();
  }
  return streams;
}

const none = new Uint8Array(0);
