/** Sums that come back to the CPU: partial sums per workgroup, one reduction, one read. */
import { add, scale, sub, type Ext } from '../../protocol/extension.ts';
import type { ExtVec, Fractions } from './backend.ts';
import { EXT_BYTES, extWords, gpuExt, wordsToExt, type GpuVectors } from './gpu-vectors.ts';
import { checkTerms, MAX_FACTORS } from './table-specs.ts';
import { VectorError } from './vector-error.ts';

/** `sums` sums by `groups` workgroups each, laid out group by group. */
interface Share {
  readonly groups: number;
  readonly sums: number;
  record(partials: GPUBuffer, base: number): void;
}

/** A workgroup's turn: fewer items than this are not worth another workgroup's partial sums. */
const ITEMS_PER_GROUP = 256;

/**
 * Records all shares into one buffer of partial sums and adds shares of one list up.
 * @returns for each list its sums
 */
async function collect(vectors: GpuVectors, lists: readonly (readonly Share[])[]): Promise<Ext[][]> {
  const { queue } = vectors;
  const total = lists.flat().reduce((sum, share) => sum + share.groups * share.sums, 0);
  const partials = queue.acquire(total * EXT_BYTES);
  const ranges: number[] = [];
  let base = 0;
  for (const list of lists) {
    const { sums } = list[0];
    const groups = list.reduce((sum, share) => sum + share.groups, 0);
    for (let k = 0; k < sums; k++) ranges.push(base + k, groups, sums, 0);
    for (const share of list) {
      share.record(partials, base);
      base += share.groups * sums;
    }
  }
  const count = ranges.length / 4;
  let out = partials;
  if (total > count) {
    out = queue.acquire(count * EXT_BYTES);
    queue.dispatch('sum-partials', count, [count], [partials, ...queue.inline(Uint32Array.from(ranges)), out]);
    queue.release(partials);
  }
  const words = queue.read(out, 0, count * EXT_BYTES);
  queue.release(out);
  const values = wordsToExt(await words);
  let at = 0;
  return lists.map(([{ sums }]) => values.slice(at, (at += sums)));
}

/** f(d) of a polynomial of degree d from f(0) … f(d−1) and its leading coefficient: the d-th difference is d!·top. */
export function lastValue(values: readonly Ext[], top: Ext): Ext {
  const degree = values.length;
  let factorial = 1n;
  for (let k = 2; k <= degree; k++) factorial *= BigInt(k);
  let result = scale(top, factorial);
  let binomial = 1n;
  for (let k = degree - 1; k >= 0; k--) {
    binomial = (binomial * BigInt(k + 1)) / BigInt(degree - k);
    const term = scale(values[k], binomial);
    result = (degree - k) % 2 === 1 ? add(result, term) : sub(result, term);
  }
  return result;
}

export async function productRound(vectors: GpuVectors, terms: readonly (readonly ExtVec[])[]): Promise<Ext[][]> {
  checkTerms(terms);
  if (terms.length === 0) return [];
  const { queue } = vectors;
  const lists = terms.map((term): Share[] => {
    const factors = term.map(gpuExt);
    return factors[0].chunks.map((_, k) => {
      const length = factors[0].chunkLength(k);
      const groups = queue.groupsFor(length, 2 * ITEMS_PER_GROUP);
      const buffers = Array.from({ length: MAX_FACTORS }, (_, f) => (factors[f] ?? factors[0]).chunks[k]);
      return {
        groups,
        sums: factors.length + 1,
        record: (partials, base) => {
          queue.dispatch('product-round', groups, [length, base], [...buffers, partials], { FACTORS: factors.length });
        },
      };
    });
  });
  const sums = await collect(vectors, lists);
  return sums.map((values) => {
    const finite = values.slice(0, -1);
    return [...finite, lastValue(finite, values[finite.length])];
  });
}

export async function fractionRound(
  vectors: GpuVectors,
  state: Fractions,
  eq: ExtVec,
  lambda: Ext,
): Promise<[Ext, Ext]> {
  const { queue } = vectors;
  const [p, q, weights] = [gpuExt(state.p), gpuExt(state.q), gpuExt(eq)];
  if (4 * eq.length < state.length) throw new VectorError('SHAPE', eq.length, 'eq shorter than the layer');
  const words = extWords([lambda]);
  // A chunk of the layer meets a quarter of a chunk of eq; quarters beyond the layer hold weights alone.
  const quarter = 2 ** (p.chunkLog - 2);
  const shares: Share[] = [];
  for (let k = 0; k * quarter < eq.length; k++) {
    const real = k < p.chunks.length ? Math.max(0, p.chunkLength(k)) : 0;
    const count = Math.min(quarter, eq.length - k * quarter);
    const groups = queue.groupsFor(count, ITEMS_PER_GROUP);
    const params = [...words, real, Math.ceil(real / 4), count, (k % 4) * quarter];
    const chunk = Math.min(k, p.chunks.length - 1);
    const buffers = [p.chunks[chunk], q.chunks[chunk], weights.chunks[Math.floor(k / 4)]];
    shares.push({
      groups,
      sums: 2,
      record: (partials, base) => {
        queue.dispatch('fraction-round', groups, [...params, base], [...buffers, partials]);
      },
    });
  }
  const [[constant, quadratic]] = await collect(vectors, [shares]);
  return [constant, quadratic];
}
