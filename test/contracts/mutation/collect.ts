/** Stands in for `node:test` while a contract's test files are loaded: it keeps their tests, so that they can be run again. */

/** A test function; it throws when it fails. */
export interface CollectedTest {
  readonly name: string;
  readonly run: () => unknown;
}

/** The tests of all files loaded so far, in their order. */
export const collected: CollectedTest[] = [];

type Registered = readonly [name: string, ...rest: unknown[]];

function bodyOf([, ...rest]: Registered): () => unknown {
  return rest.at(-1) as () => unknown;
}

export function describe(...registered: Registered): void {
  bodyOf(registered)();
}

export function test(...registered: Registered): void {
  collected.push({ name: registered[0], run: bodyOf(registered) });
}
