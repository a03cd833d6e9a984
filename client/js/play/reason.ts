import { RefusedError } from '../src/index.js';

/** What to tell a player about an error. */
export function reason(error: unknown): string {
  if (error instanceof RefusedError) return error.text || error.code;
  return error instanceof Error ? error.message : String(error);
}
