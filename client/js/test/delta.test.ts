import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DeltaDecoder, DeltaError } from '../src/delta.js';

// The scripts of proto/delta, whose golden_test.go says what their lines mean.
const folder = 'proto/delta/testdata';

for (const name of readdirSync(folder).filter((f) => f.endsWith('.txt'))) {
  test(`${name} decodes as it does in Go`, () => {
    let decoder: DeltaDecoder | undefined;
    let fields = 0;
    readFileSync(`${folder}/${name}`, 'utf8')
      .trimEnd()
      .split('\n')
      .forEach((line, i) => {
        const [word, ...rest] = line.split(' ');
        if (word === 'schema') {
          decoder = new DeltaDecoder(rest.map(field));
          fields = rest.length;
        } else if (decoder) {
          obey(decoder, fields, word!, rest, `line ${i + 1}`);
        }
      });
  });
}

function field(word: string): { name: string; kind: number; bits: number } {
  const [name, kind, bits] = word.split(':');
  return { name: name!, kind: Number(kind), bits: Number(bits) };
}

function obey(decoder: DeltaDecoder, fields: number, word: string, rest: string[], where: string): void {
  const { table } = decoder;
  switch (word) {
    case 'frame': {
      const [frame, seq, tick, length, digest] = rest;
      decoder.decode(bytes(frame));
      const { header, table } = decoder;
      const got = [header.seq, header.tick, table.length, digestOf(table)].join(' ');
      assert.equal(got, [seq, tick, length, digest].join(' '), where);
      assert.equal(table.values.length, table.length * fields, where);
      break;
    }
    case 'error': {
      const [code, frame] = rest;
      const digest = digestOf(table);
      assert.throws(() => decoder.decode(bytes(frame)), (error: Error) => error instanceof DeltaError && error.code === code);
      assert.equal(digestOf(decoder.table), digest, where);
      break;
    }
    case 'row': {
      const [id, ...values] = rest.map(Number);
      const at = table.ids.indexOf(id!) * fields;
      assert.deepEqual([...table.values.subarray(at, at + fields)], values, where);
    }
  }
}

function bytes(base64 = ''): Uint8Array {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** FNV-1a over the ids and then the values, each from its lowest byte. */
function digestOf(table: { ids: Uint32Array; values: Uint32Array }): string {
  let h = 2166136261;
  for (const part of [table.ids, table.values]) {
    for (const v of part) for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((v >>> shift) & 0xff), 16777619);
  }
  return (h >>> 0).toString(16).padStart(8, '0');
}
