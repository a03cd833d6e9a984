import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufReader } from '../src/protobuf.js';
import { snapshotBytes } from '../src/stats.js';
import { readWorldMessage } from '../src/worldmessage.js';

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (b) => parseInt(b, 16));
}

test('the messages of the world are read', () => {
  // { world: { stream: 300, frame: 01 02 } }
  assert.deepEqual(readWorldMessage(bytes('5a 07 08 ac 02 12 02 01 02')), { seq: 0, delta: { stream: 300, frame: Uint8Array.of(1, 2) } });
  // { seq: 5, world_key: { stream: 1, zone: "plaza", cell: 2, frame: 03 } }
  assert.deepEqual(readWorldMessage(bytes('08 05 62 0e 08 01 12 05 70 6c 61 7a 61 18 02 22 01 03')), {
    seq: 5,
    key: { stream: 1, zone: 'plaza', cell: 2, frame: Uint8Array.of(3) },
  });
  // { world_gone: { streams: [1, 300] } }, packed and not
  assert.deepEqual(readWorldMessage(bytes('6a 05 0a 03 01 ac 02')), { seq: 0, gone: [1, 300] });
  assert.deepEqual(readWorldMessage(bytes('6a 05 08 01 08 ac 02')), { seq: 0, gone: [1, 300] });
});

test('fields of a newer server are passed over', () => {
  // Fields 30 to 33: a varint, 8 bytes, bytes, 4 bytes; then { seq: 1 }.
  const newer = bytes('f0 01 96 01  f9 01 0102030405060708  82 02 02 aabb  8d 02 01020304  08 01');
  assert.deepEqual(readWorldMessage(newer), { seq: 1 });
});

test('broken messages are errors', () => {
  for (const hex of ['5a', '5a 07 08', '08', '08 ff ff ff ff ff ff ff ff ff 01', '0b', '5d 01020304', '5a 02 0a 05', '08 ff ff ff ff ff ff ff 7f']) {
    assert.throws(() => readWorldMessage(bytes(hex)), { name: 'ProtocolError' });
  }
});

test('numbers up to 2^53 - 1 are read', () => {
  const r = new ProtobufReader(bytes('08 ff ff ff ff ff ff ff 0f'));
  r.next();
  assert.equal(r.varint(), Number.MAX_SAFE_INTEGER);
});

test('the size of a snapshot is that of its encoding', () => {
  // Rows of an id and two fields: 1 + (length) + 1+1 + 1+2 + 1+3, and one with a zero.
  const size = snapshotBytes(Uint32Array.of(5, 6), Uint32Array.of(128, 20_000, 0, 1), 2, 2);
  assert.equal(size, 1 + 1 + 2 + 3 + 4 + (1 + 1 + 2 + 0 + 2));
});
