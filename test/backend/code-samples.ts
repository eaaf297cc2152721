/** Fixed sequences of field elements for the encoding tests; every one starts with the values kernels get wrong first. */
import type { Ext } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';

function* words(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    yield (state ^ (state >>> 13)) >>> 0;
  }
}

/** u32 cells: 2^32 − 1, 0, 1, then arbitrary ones. */
export function cellsOf(length: number, seed: number): Uint32Array {
  const source = words(seed);
  const special = [0xffffffff, 0, 1];
  return Uint32Array.from({ length }, (_, i) => special[i] ?? source.next().value);
}

/** Elements of F_p: p − 1, 0, 1, 2^32 − 1, p − 2^32, then arbitrary ones. */
export function elementsOf(length: number, seed: number): bigint[] {
  const source = words(seed);
  const special = [P - 1n, 0n, 1n, 0xffffffffn, P - 0x100000000n];
  const arbitrary = () => ((BigInt(source.next().value) << 32n) | BigInt(source.next().value)) % P;
  return Array.from({ length }, (_, i) => special[i] ?? arbitrary());
}

/** Elements of F_p². */
export function extsOf(length: number, seed: number): Ext[] {
  const low = elementsOf(length, seed);
  const high = elementsOf(length + 3, seed + 1).slice(3);
  return low.map((c0, i) => [c0, high[i]]);
}
