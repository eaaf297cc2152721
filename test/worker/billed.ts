/** The real bucket and index, with the operations counted that an account is billed for. */
import { env } from 'cloudflare:workers';

/** https://developers.cloudflare.com/r2/pricing/ and https://developers.cloudflare.com/d1/platform/pricing/ */
export interface Billed {
  /** R2: writes and lists. */
  classA: number;
  /** R2: reads. */
  classB: number;
  rowsRead: number;
  rowsWritten: number;
}

const CLASS: Readonly<Record<string, 'classA' | 'classB' | null>> = {
  put: 'classA',
  list: 'classA',
  createMultipartUpload: 'classA',
  get: 'classB',
  head: 'classB',
  delete: null,
};

export interface Counting {
  readonly PROOFS: R2Bucket;
  readonly INDEX: D1Database;
  /** Counts since the last call. */
  readonly taken: () => Billed;
}

const none = (): Billed => ({ classA: 0, classB: 0, rowsRead: 0, rowsWritten: 0 });

export function counting(): Counting {
  let billed = none();
  const add = <T>(result: D1Result<T>): D1Result<T> => {
    billed.rowsRead += result.meta.rows_read;
    billed.rowsWritten += result.meta.rows_written;
    return result;
  };
  const real = new WeakMap<object, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const counted = {
      bind: (...values: unknown[]) => wrapped(statement.bind(...values)),
      all: async () => add(await statement.all()),
      run: async () => add(await statement.run()),
      // `first` itself tells of no rows.
      first: async (column?: string) => {
        const [row] = add(await statement.all<Record<string, unknown>>()).results;
        return row === undefined ? null : column === undefined ? row : row[column];
      },
    };
    real.set(counted, statement);
    return counted as unknown as D1PreparedStatement;
  };
  const INDEX = new Proxy(env.INDEX, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => wrapped(target.prepare(sql));
      if (name === 'batch')
        return async (statements: D1PreparedStatement[]) =>
          (await target.batch(statements.map((statement) => real.get(statement)!))).map(add);
      throw new Error(`operations of ${String(name)} are not counted`);
    },
  });
  const PROOFS = new Proxy(env.PROOFS, {
    get(target, name) {
      const kind = CLASS[String(name)];
      if (kind === undefined) throw new Error(`operations of ${String(name)} are not counted`);
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => {
        if (kind !== null) billed[kind]++;
        return method.apply(target, args);
      };
    },
  });
  const taken = (): Billed => {
    const before = billed;
    billed = none();
    return before;
  };
  return { PROOFS, INDEX, taken };
}
