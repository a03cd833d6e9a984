import { NUMBER } from './coder.js';

/** One column of a table; kinds have the numbers of client.v1.FieldKind. */
export interface DeltaField {
  name: string;
  kind: number;
  bits: number;
}

export const POSITION = 1;
export const ANGLE = 2;
export const ENUMERATION = 4;

export const MAX_FIELDS = 16;
export const MAX_BITS = 24;

export const STATES = 8;
export const AGES = 32;
export const HABITS = 8;
export const CLASSES = 8;
export const HINTS = 5;
export const SIZES = 4;
export const TREE_MAX = 4;

/** Layout says which field plays which part, and where the models of each decision begin: proto/delta/layout.go. */
export class Layout {
  readonly positions: number[] = [];
  heading = -1;
  state = -1;
  readonly attrs: number[] = [];
  models = 0;

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

  constructor(readonly fields: readonly DeltaField[]) {
    fields.forEach((f, i) => {
      if (f.kind === POSITION) this.positions.push(i);
    });
    fields.forEach((f, i) => {
      if (f.kind === ANGLE && this.heading < 0 && this.positions.length >= 2) {
        this.heading = i;
        return;
      }
      if (f.kind === ENUMERATION && this.state < 0) this.state = i;
      if (f.kind !== POSITION) this.attrs.push(i);
    });
    this.tick = this.take(NUMBER);
    this.members = this.take(2);
    this.leaves = this.take(1);
    this.joins = this.take(NUMBER);
    this.id = this.take(NUMBER);
    this.joined = this.take(fields.length * NUMBER);
    this.attr = this.take(STATES * AGES);
    this.attrChanged = this.take(this.attrs.length * 2 * STATES);
    this.attrNumber = this.take(this.attrs.length * NUMBER);
    this.attrTree = this.take(this.attrs.length << (2 * TREE_MAX));
    this.straight = this.take(HABITS * CLASSES * 3 * 2 * 2);
    this.deviates = this.take(3 * CLASSES * CLASSES * HINTS);
    this.deviatesTo = this.take(CLASSES * HINTS);
    this.turns = this.take(CLASSES * 2 * STATES * 2);
    this.turn = this.take(SIZES * NUMBER);
    this.stops = this.take(2 * 3 * STATES);
    this.strays = this.take(SIZES * 4 * 2 * 3 * 2);
    this.stray = this.take(2 * 2 * NUMBER);
  }

  private take(n: number): number {
    const at = this.models;
    this.models += n;
    return at;
  }
}

/** FNV-1a over the fields: kind, bits, length of the name, name. */
export function digest(fields: readonly DeltaField[]): number {
  let h = 2166136261;
  const add = (byte: number): void => {
    h = Math.imul(h ^ byte, 16777619);
  };
  for (const f of fields) {
    const name = new TextEncoder().encode(f.name);
    add(f.kind);
    add(f.bits);
    add(name.length);
    name.forEach(add);
  }
  return h >>> 0;
}
