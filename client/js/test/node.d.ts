// As much of Node.js's modules as the tests use: its types are a package that
// building must not depend on.

declare module 'node:test' {
  interface TestContext {
    after(fn: () => unknown): void;
    diagnostic(message: string): void;
  }
  type Body = (t: TestContext) => unknown;
  export function test(name: string, body: Body): Promise<void>;
  export function test(name: string, options: { timeout?: number; skip?: string | false }, body: Body): Promise<void>;
}

declare module 'node:assert/strict' {
  interface Assert {
    (value: unknown, message?: string): asserts value;
    equal<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    throws(fn: () => unknown, expected?: object | RegExp): void;
    rejects(promise: Promise<unknown>, expected?: object | RegExp | ((error: never) => boolean)): Promise<void>;
    fail(message?: string): never;
  }
  const assert: Assert;
  export default assert;
}

declare module 'node:fs' {
  export function readFileSync(path: string): Uint8Array;
  export function readFileSync(path: string, encoding: 'utf8'): string;
  export function readdirSync(path: string): string[];
}

declare const process: { env: Record<string, string | undefined> };
