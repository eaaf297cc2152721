/** The real bucket and index, until the call at which a process is stopped; from then on nothing happens any more. */
import { env } from 'cloudflare:workers';

/** Thrown by every call from the stop on. */
export class StoppedError extends Error {
  constructor() {
    super('the process was stopped here');
    this.name = new.target.name;
  }
}

/** Whether the call at which a process stops has its effect: its answer is lost either way. */
export type When = 'before' | 'after';

export interface Stopping {
  readonly PROOFS: R2Bucket;
  readonly INDEX: D1Database;
  /** Calls that were made, the one of the stop among them. */
  readonly calls: () => number;
}

/** Bindings that stop at the n-th call, from 1. */
export function stoppingAt(n: number, when: When): Stopping {
  let calls = 0;
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    if (calls >= n) throw new StoppedError();
    calls++;
    if (calls === n && when === 'before') throw new StoppedError();
    const result = await call();
    if (calls >= n) throw new StoppedError();
    return result;
  };
  const real = new WeakMap<object, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        if (name === 'bind') return (...values: unknown[]) => wrapped(target.bind(...values));
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => through(() => method.apply(target, args));
      },
    });
    real.set(proxy, statement);
    return proxy;
  };
  const INDEX = new Proxy(env.INDEX, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => wrapped(target.prepare(sql));
      if (name === 'batch')
        return (statements: D1PreparedStatement[]) =>
          through(() => target.batch(statements.map((statement) => real.get(statement)!)));
      throw new Error(`the store is not expected to call ${String(name)} of the index`);
    },
  });
  const PROOFS = new Proxy(env.PROOFS, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => through(() => method.apply(target, args));
    },
  });
  return { PROOFS, INDEX, calls: () => calls };
}

/** Runs something once for every call in it: stopped before that call has its effect, and after it. */
export async function stopEverywhere(
  act: (bindings: Stopping, n: number, when: When) => Promise<unknown>,
  look: (n: number, when: When) => Promise<void>,
): Promise<number> {
  let stops = 0;
  for (const when of ['before', 'after'] as const) {
    for (let n = 1; ; n++) {
      const bindings = stoppingAt(n, when);
      const ended = await act(bindings, n, when).then(
        () => true,
        (error: unknown) => {
          if (error instanceof StoppedError) return false;
          throw error;
        },
      );
      await look(n, when);
      if (ended && bindings.calls() < n) break;
      stops++;
    }
  }
  return stops;
}
