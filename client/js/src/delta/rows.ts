/** Rows is a table: the values of entities, row by row, sorted by id. */
export class Rows {
  length = 0;
  ids: Uint32Array = new Uint32Array(16);
  values: Uint32Array;

  constructor(readonly width: number) {
    this.values = new Uint32Array(16 * width);
  }

  /** Adds a row of zeros, and returns where its values begin. */
  append(id: number): number {
    const at = this.length * this.width;
    if (this.length === this.ids.length) {
      this.ids = grown(this.ids);
      this.values = grown(this.values);
    }
    this.ids[this.length++] = id;
    this.values.fill(0, at, at + this.width);
    return at;
  }

  /** Adds a row of another table. */
  copy(from: Rows, row: number): void {
    const at = this.append(from.ids[row]!);
    const source = row * this.width;
    for (let f = 0; f < this.width; f++) this.values[at + f] = from.values[source + f]!;
  }

  copyAll(from: Rows): void {
    while (this.ids.length < from.length) {
      this.ids = grown(this.ids);
      this.values = grown(this.values);
    }
    this.length = from.length;
    this.ids.set(from.ids.subarray(0, from.length));
    this.values.set(from.values.subarray(0, from.length * this.width));
  }

  /** Whether all values are within their fields' masks. */
  fits(masks: readonly number[]): boolean {
    const end = this.length * this.width;
    return masks.every((mask, f) => {
      let all = 0;
      for (let i = f; i < end; i += this.width) all |= this.values[i]!;
      return all >>> 0 <= mask;
    });
  }

  /** The hash of ids and values: Table.hash of proto/delta/table.go. */
  hash(tick: number): number {
    let h = (Math.imul(tick, 0x9e3779b1) + this.length) | 0;
    for (let i = 0, at = 0; i < this.length; i++) {
      let row = Math.imul(this.ids[i]!, 0x85ebca6b);
      let k = 0xc2b2ae35 | 0;
      for (let f = 0; f < this.width; f++) {
        row = (row + Math.imul(this.values[at++]! + 1, k)) | 0;
        k = (Math.imul(k, 0x2c1b3c6d) + 2) | 0;
      }
      row ^= row >>> 15;
      h = Math.imul(((h << 5) | (h >>> 27)) ^ row, 0x297a2d39);
    }
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    return (h ^ (h >>> 13)) >>> 0;
  }
}

function grown(a: Uint32Array): Uint32Array {
  const b = new Uint32Array(a.length * 2);
  b.set(a);
  return b;
}
