/** Lookup tables as columns over their rows: row index, then two columns of values. */
import { BoundedCache } from './bounded-cache.ts';
import { expTable, siluTables } from './exp.ts';

/** values[c][i − start] is column c of row i; rows outside are zero. Row 0 is key value `min`. */
export interface TableColumns {
  readonly min: bigint;
  readonly start: number;
  readonly columns: readonly [Int32Array, Int32Array];
}

const cache = new BoundedCache<TableColumns>(2 ** 24, ({ columns: [a, b] }) => a.byteLength + b.byteLength);

/** silu'(x) = 1 at the activations' scale of 2^12. */
const UNIT = 4096;

/** Key of the first row of SiLU's table. */
export function siluMin(bits: number): bigint {
  return -(1n << BigInt(bits - 1));
}

/** Key of the first row of an exponential's table. */
export function expMin(bits: number): bigint {
  return 1n - (1n << BigInt(bits));
}

/** Rows x = −2^(bits−1) … 2^(bits−1) − 1: silu(x), silu'(x). */
export function siluColumns(bits: number): TableColumns {
  return cache.get(`silu ${bits}`, () => {
    const half = 2 ** (bits - 1);
    const { bound, silu, dsilu } = siluTables();
    const columns = [new Int32Array(2 * half), new Int32Array(2 * half)] as const;
    const inside = Math.min(half, bound);
    columns[0].set(silu.subarray(bound - inside, bound + inside), half - inside);
    columns[1].set(dsilu.subarray(bound - inside, bound + inside), half - inside);
    for (let x = inside; x < half; x++) columns[0][half + x] = x;
    columns[1].fill(UNIT, half + inside);
    return { min: siluMin(bits), start: 0, columns };
  });
}

/** Rows u = −2^bits + 1 … 0: T(u), T(u + 1), with T(u) = round(2^P·exp(u/2^10)); kept from the first row with a value. */
export function expColumns(probabilityBits: number, bits: number): TableColumns {
  return cache.get(`exp ${probabilityBits} ${bits}`, () => {
    const { lowest, values } = expTable(probabilityBits);
    const last = 2 ** bits - 1;
    const start = Math.max(0, last + lowest - 1);
    const at = (u: number): number => (u < lowest ? 0 : values[u - lowest]);
    const columns = [new Int32Array(last - start + 1), new Int32Array(last - start + 1)] as const;
    for (let i = 0; i <= last - start; i++) {
      columns[0][i] = at(start + i - last);
      columns[1][i] = at(start + i - last + 1);
    }
    return { min: expMin(bits), start, columns };
  });
}
