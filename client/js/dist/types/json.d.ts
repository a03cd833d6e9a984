/** A message in protobuf's JSON mapping: fields that are zero are left out. */
export type Json = Record<string, unknown>;
/** The message in a field; an empty one when it is left out. */
export declare function message(m: Json, field: string): Json;
export declare function messages(m: Json, field: string): Json[];
export declare function text(m: Json, field: string): string;
export declare function flag(m: Json, field: string): boolean;
/** A number; 64-bit integers come as strings. */
export declare function number(m: Json, field: string): number;
/** Numbers by name, of a map field. */
export declare function numbers(m: Json, field: string): Record<string, number>;
/** A moment, undefined when it is left out. */
export declare function time(m: Json, field: string): Date | undefined;
/** An enum's value without its prefix, '' when it is left out. */
export declare function choice(m: Json, field: string, prefix: string): string;
export declare function toBase64(bytes: Uint8Array): string;
export declare function fromBase64(encoded: string): Uint8Array;
