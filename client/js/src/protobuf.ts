import { ProtocolError } from './errors.js';

/**
 * ProtobufReader reads the fields of one encoded message: as much of the format
 * as the world's messages use.
 *
 *     for (const r = new ProtobufReader(bytes); r.next(); ) {
 *       if (r.field === 1) stream = r.varint();
 *       else r.skip();
 *     }
 */
export class ProtobufReader {
  field = 0;
  private wireType = 0;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Reads the next field's tag; false at the end. */
  next(): boolean {
    if (this.at === this.bytes.length) return false;
    const tag = this.readVarint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    return true;
  }

  /** The field's value: an unsigned number below 2^53. */
  varint(): number {
    this.expect(0);
    return this.readVarint();
  }

  /** The field's values, whether packed or one of them alone. */
  varints(): number[] {
    if (this.wireType === 0) return [this.readVarint()];
    const packed = new ProtobufReader(this.slice());
    const values: number[] = [];
    while (packed.at < packed.bytes.length) values.push(packed.readVarint());
    return values;
  }

  /** The field's bytes: a view into the message. */
  slice(): Uint8Array {
    this.expect(2);
    return this.advance(this.readVarint());
  }

  text(): string {
    return decoder.decode(this.slice());
  }

  /** Passes over the field's value. */
  skip(): void {
    if (this.wireType === 0) this.readVarint();
    else if (this.wireType === 1) this.advance(8);
    else if (this.wireType === 2) this.advance(this.readVarint());
    else if (this.wireType === 5) this.advance(4);
    else throw new ProtocolError(`wire type ${this.wireType} in a message`);
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) throw new ProtocolError(`field ${this.field} has wire type ${this.wireType}`);
  }

  private advance(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new ProtocolError('a message ends within a field');
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  private readVarint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new ProtocolError('a message ends within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw new ProtocolError('a number in a message is too large');
  }
}

const decoder = new TextDecoder();
