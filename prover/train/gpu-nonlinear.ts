/** Softmax, SiLU, roots and divisions on the GPU. */
import { expTable, siluTables } from '../../protocol/program/exp.ts';
import type { DivideOp, SiluOp, SoftmaxOp, SqrtOp } from '../../protocol/program/relations.ts';
import { sizeOf, type Axis, type Operand, type Tensor } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import { checkOf } from './gpu-check.ts';
import { sumPasses } from './gpu-contract.ts';
import { baseAt, bufferAt, digits, freeAxes, locate, whole, type Layer, type Place } from './gpu-index.ts';
import { NONE, bind, planeOf, words64, type Pass, type Runner, type Scratch } from './gpu-pass.ts';

/** Tables of exp and silu in buffers, made once a device. */
export class TableBuffers {
  readonly #scratch: Scratch;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  exp(bits: number): GPUBuffer {
    return this.#get(`exp${bits}`, () => expTable(bits).values);
  }

  /** silu, then its derivative. */
  silu(): GPUBuffer {
    return this.#get('silu', () => {
      const { silu, dsilu } = siluTables();
      const both = new Int32Array(silu.length + dsilu.length);
      both.set(silu);
      both.set(dsilu, silu.length);
      return both;
    });
  }

  close(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }

  #get(name: string, values: () => Int32Array): GPUBuffer {
    let buffer = this.#buffers.get(name);
    if (buffer === undefined) {
      const words = values();
      buffer = this.#scratch.store.buffer(words.length, `table ${name}`);
      this.#scratch.store.write(buffer, 0, words);
      this.#buffers.set(name, buffer);
    }
    return buffer;
  }
}

/** Refuses a place whose entries do not lie one after the other over the axes. */
function contiguous(place: Place, axes: readonly Axis[]): Place {
  const [digit, more] = digits(axes, [place.strides]);
  if (more !== undefined || (digit !== undefined && digit.strides[0] !== 1))
    throw new EngineError(`${place.slot.tensor.name} does not lie in the order of its operation`);
  return place;
}

/** Root, slack and coslack, or quotient, remainder and complement: the results' places and checks. */
function threeResults(
  scratch: Scratch,
  kernel: 'sqrt' | 'divide',
  results: readonly Operand[],
  domain: readonly Axis[],
  layer: Layer,
): { pass: Pass; checks: Runner['checks'] } {
  const { store } = scratch;
  const free = freeAxes(domain, layer);
  const count = sizeOf(free);
  const slot = scratch.reserve(results.length, count);
  const places = results.map((r) => locate(store, r, layer));
  const entries = digits(
    free,
    places.map((p) => p.strides),
  );
  if (entries.length > 4) throw new EngineError(`no kernel writes over ${entries.length} groups of axes`);
  const checks = results.map((r, i) => checkOf(slot + i, r, free, layer));
  const params = new Uint32Array(40);
  params.set([count, entries.length, slot], 0);
  params.set(
    places.map((p) => planeOf(p.slot)),
    8,
  );
  checks.forEach(({ tensor }, i) => params.set([...words64(tensor.min), ...words64(tensor.max)], 12 + 4 * i));
  entries.forEach((d, i) => params.set([d.size, ...d.strides], 24 + 4 * i));
  const record: Pass['record'] = (step, probe) => {
    const words = params.slice();
    const bound = places.map((p) => bind(p, step));
    words[3] = probe?.entry ?? NONE;
    words.set([...bound.map((b) => b.base), probe?.result ?? 0], 4);
    const buffers = [scratch.sums(0), ...bound.map((b) => b.buffer), scratch.flags];
    if (kernel === 'divide') buffers.push(scratch.sums(1));
    store.queue.dispatch(`train/${kernel}`, store.queue.groupsFor(count, 64), words, buffers);
  };
  return { pass: { record }, checks };
}

export function sqrtRunner(scratch: Scratch, op: SqrtOp, layer: Layer): Runner {
  const sums = sumPasses(scratch, op.terms, op.domain, layer, 0, null);
  const { pass, checks } = threeResults(scratch, 'sqrt', [op.root, op.slack, op.coslack], op.domain, layer);
  return { name: op.name, layer, passes: [...sums, pass], checks };
}

export function divideRunner(scratch: Scratch, op: DivideOp, layer: Layer): Runner {
  const above = sumPasses(scratch, op.numerator, op.domain, layer, 0, null);
  const below = sumPasses(scratch, op.denominator, op.domain, layer, 1, null);
  const results = [op.quotient, op.remainder, op.complement];
  const { pass, checks } = threeResults(scratch, 'divide', results, op.domain, layer);
  return { name: op.name, layer, passes: [...above, ...below, pass], checks };
}

/** Smallest key of a softmax's table. */
export function lowestKey(op: SoftmaxOp, spread: number): number {
  return op.shifted === null ? 1 - 2 ** spread : Number(op.shifted.min);
}

/** @param keepNext whether `next`, `under` and `over` are needed */
export function softmaxRunner(
  scratch: Scratch,
  tables: TableBuffers,
  op: SoftmaxOp,
  layer: Layer,
  spread: number,
  keepNext: boolean,
): Runner {
  const { store } = scratch;
  const free = freeAxes(op.domain, layer);
  const last = op.score.axes[op.score.axes.length - 1];
  const square = [...free, last];
  const rows = sizeOf(free);
  const slot = scratch.reserve(2, 0);
  const cycle = free.at(-1)?.size ?? 1;
  const at = (tensor: Tensor, axes: readonly Axis[]): Place => contiguous(locate(store, whole(tensor), layer), axes);
  const [score, p] = [op.score, op.p].map((t) => at(t, square));
  const next = keepNext ? at(op.next, square) : null;
  const shifted = op.shifted === null ? null : at(op.shifted, square);
  const mu = at(op.mu, free);
  const [under, over] = [op.under, op.over].map((t) => (keepNext ? at(t, free) : null));
  const table = tables.exp(op.bits);
  const lowest = lowestKey(op, spread);
  const constants = { CAUSAL: Number(op.causal), SHIFTED: Number(shifted !== null), NEXT: Number(keepNext) };
  const record = (step: number): void => {
    const range = Int32Array.from([expTable(op.bits).lowest, lowest, Number(op.mu.min), Number(op.mu.max)]);
    const params = new Uint32Array(16);
    params.set([rows, last.size, cycle, slot], 0);
    params.set(new Uint32Array(range.buffer), 4);
    params.set([baseAt(score, step), baseAt(p, step), baseAt(mu, step), op.bits], 8);
    params[12] = shifted === null ? 0 : baseAt(shifted, step);
    const buffers = [bufferAt(score, step), table, bufferAt(p, step), bufferAt(mu, step)];
    [next, under, over, shifted].forEach((place, i) =>
      buffers.push(place === null ? scratch.unused(i as 0 | 1 | 2 | 3) : bufferAt(place, step)),
    );
    store.queue.dispatch(
      'train/softmax',
      store.queue.groupsFor(rows, 64),
      params,
      [...buffers, scratch.flags],
      constants,
    );
  };
  const key: Tensor = {
    ...(op.shifted ?? op.score),
    name: op.shifted?.name ?? `${op.name}.key`,
    min: BigInt(lowest),
    max: 0n,
  };
  const read = async (place: Place, step: number, index: number): Promise<number> => {
    const words = await store.queue.read(bufferAt(place, step), 4 * (baseAt(place, step) + index), 4);
    return words[0] | 0;
  };
  return {
    name: op.name,
    layer,
    passes: [{ record }],
    checks: [
      { ...checkOf(slot, whole(op.mu), free, layer) },
      { slot: slot + 1, tensor: key, indexOf: (entry) => [entry] },
    ],
    // A row's μ is checked before its entries.
    rowOf: (check, entry) => (check === 0 ? entry : Math.floor(entry / last.size)),
    readValue: async (check, entry, step) => {
      if (check === 0) return BigInt(await read(mu, step, entry));
      const shift = await read(mu, step, Math.floor(entry / last.size));
      return BigInt((await read(score, step, entry)) - shift);
    },
  };
}

export function siluRunner(scratch: Scratch, tables: TableBuffers, op: SiluOp, layer: Layer): Runner {
  const { store } = scratch;
  const free = freeAxes(op.domain, layer);
  const count = sizeOf(free);
  const slot = scratch.reserve(2, 0);
  const places = [op.x, op.value, op.slope].map((t) => contiguous(locate(store, whole(t), layer), free));
  const table = tables.silu();
  const ranges = [op.value, op.slope].flatMap((t) => [Number(t.min), Number(t.max)]);
  const record = (step: number): void => {
    const params = new Uint32Array(12);
    params.set([count, siluTables().bound, slot], 0);
    params.set(
      places.map((p) => baseAt(p, step)),
      4,
    );
    params.set(new Uint32Array(Int32Array.from(ranges).buffer), 8);
    const [x, value, slope] = places.map((p) => bufferAt(p, step));
    const buffers = [x, table, value, slope, scratch.flags];
    store.queue.dispatch('train/silu', store.queue.groupsFor(count, 64), params, buffers);
  };
  const readValue = async (check: number, entry: number, step: number): Promise<bigint> => {
    const place = places[1 + check];
    const words = await store.queue.read(bufferAt(place, step), 4 * (baseAt(place, step) + entry), 4);
    return BigInt(words[0] | 0);
  };
  const checks = [op.value, op.slope].map((t, i) => checkOf(slot + i, whole(t), free, layer));
  return { name: op.name, layer, passes: [{ record }], checks, readValue };
}
