import { ProtocolError } from './errors.js';

/** A message in protobuf's JSON mapping: fields that are zero are left out. */
export type Json = Record<string, unknown>;

/** The message in a field; an empty one when it is left out. */
export function message(m: Json, field: string): Json {
  const value = m[field] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(field, value);
  return value as Json;
}

export function messages(m: Json, field: string): Json[] {
  const value = m[field] ?? [];
  if (!Array.isArray(value)) throw wrong(field, value);
  return value as Json[];
}

export function text(m: Json, field: string): string {
  const value = m[field] ?? '';
  if (typeof value !== 'string') throw wrong(field, value);
  return value;
}

export function flag(m: Json, field: string): boolean {
  return m[field] === true;
}

/** A number; 64-bit integers come as strings. */
export function number(m: Json, field: string): number {
  return toNumber(field, m[field] ?? 0);
}

/** Numbers by name, of a map field. */
export function numbers(m: Json, field: string): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [key, value] of Object.entries(message(m, field))) out[key] = toNumber(field, value);
  return out;
}

/** A moment, undefined when it is left out. */
export function time(m: Json, field: string): Date | undefined {
  const value = text(m, field);
  return value === '' ? undefined : new Date(value);
}

/** An enum's value without its prefix, '' when it is left out. */
export function choice(m: Json, field: string, prefix: string): string {
  const value = text(m, field);
  return value.startsWith(prefix) ? value.slice(prefix.length) : value;
}

/** Rounding an amount of money silently would be worse than saying so. */
function toNumber(field: string, value: unknown): number {
  const n = typeof value === 'string' ? Number(value) : value;
  if (typeof n !== 'number' || Number.isNaN(n)) throw wrong(field, value);
  if (Number.isInteger(n) && !Number.isSafeInteger(n)) throw new ProtocolError(`${field}: ${value} is too large`);
  return n;
}

function wrong(field: string, value: unknown): ProtocolError {
  return new ProtocolError(`${field}: ${JSON.stringify(value)} is of the wrong kind`);
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function fromBase64(encoded: string): Uint8Array {
  return Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
}
