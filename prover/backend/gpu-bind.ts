/** Contraction of cells with public weights on the GPU (bind.wgsl). */
import { mul, type Ext } from '../../protocol/extension.ts';
import type { BindPart, BindSpec, Cells, Digit } from './backend.ts';
import { MAX_INLINE_BYTES, type Binding, type GpuQueue } from './gpu-queue.ts';
import { extWords, gpuCells, type GpuExtVec, type GpuVectors } from './gpu-vectors.ts';
import { checkBind, indexSpace } from './table-specs.ts';
import { VectorError } from './vector-error.ts';

/** Chunks of cells that bind.wgsl can bind. */
const CELL_SLOTS = 4;

/** Least terms of a sum that a workgroup shares. */
const SHARED_TERMS = 64;

/** Parts that one dispatch adds: they read the same chunks. */
interface Group {
  readonly cells: Cells | null;
  readonly firstChunk: number;
  readonly parts: BindPart[];
}

/** First and last cell that a part reads. */
function extent(spec: BindSpec, part: BindPart): [number, number] {
  const spans = [
    ...spec.kept.map(({ size }, k) => (size - 1) * part.keptStrides[k]),
    ...spec.bound.map(({ size }, k) => (size - 1) * part.boundStrides[k]),
  ];
  const low = spans.reduce((sum, span) => sum + Math.min(0, span), part.base);
  return [low, spans.reduce((sum, span) => sum + Math.max(0, span), part.base)];
}

/** The first chunk to bind: 0 where all chunks fit. @throws VectorError SHAPE when a part reads over too many chunks */
function firstChunk(spec: BindSpec, part: BindPart): number {
  if (part.cells === null) return 0;
  const { chunks, chunkLog } = gpuCells(part.cells);
  if (chunks.length <= CELL_SLOTS) return 0;
  const [low, high] = extent(spec, part).map((cell) => Math.floor(cell / 2 ** chunkLog));
  if (high - low >= CELL_SLOTS)
    throw new VectorError('SHAPE', part.cells.length, `a bind reads over ${CELL_SLOTS} buffers at once`);
  return low;
}

function group(spec: BindSpec): Group[] {
  const groups: Group[] = [];
  for (const part of spec.parts) {
    const first = firstChunk(spec, part);
    const same = groups.find((g) => g.cells === part.cells && g.firstChunk === first);
    if (same === undefined) groups.push({ cells: part.cells, firstChunk: first, parts: [part] });
    else same.parts.push(part);
  }
  return groups;
}

/** bind.wgsl's table of digits and parts. */
function table(spec: BindSpec, { cells, firstChunk, parts }: Group, scale: Ext | null): Uint32Array {
  const words: number[] = [...spec.kept, ...spec.bound].flatMap(({ size, bits }) => [size, bits]);
  for (const part of parts) {
    const base = cells === null ? 0 : part.base - firstChunk * 2 ** gpuCells(cells).chunkLog;
    const coef = scale === null ? part.coef : mul(part.coef, scale);
    words.push(...extWords([coef]), base, cells === null ? 0 : 1, ...part.keptStrides, ...part.boundStrides);
  }
  return Uint32Array.from(words.length === 0 ? [0] : words);
}

/** Short tables travel with the kernel, long ones in a buffer of their own. */
function upload(queue: GpuQueue, words: Uint32Array, own: GPUBuffer[]): Binding | null {
  if (words.byteLength <= MAX_INLINE_BYTES) return null;
  const buffer = queue.acquire(words.byteLength);
  queue.write(buffer, 0, words);
  own.push(buffer);
  return buffer;
}

/** How the threads of a workgroup share a sum: over its lowest digit, or over the others where that one is short. */
const MIN_INNER = 32;
const THREADS = 64;

/**
 * The same bind with neighbouring full digits joined wherever every part's strides continue from one to the next:
 * mostly one digit is left, which the kernel loops over without taking indices apart.
 */
export function joinDigits(spec: BindSpec): BindSpec {
  const join = (digits: readonly Digit[], strides: readonly (readonly number[])[]): [Digit[], number[][]] => {
    const joined: Digit[] = [];
    const rest: number[][] = strides.map(() => []);
    for (const [k, digit] of digits.entries()) {
      const last = joined.at(-1);
      const full = last !== undefined && last.size === 2 ** last.bits;
      if (full && strides.every((s, p) => s[k] === rest[p][joined.length - 1] * last.size)) {
        joined[joined.length - 1] = { size: last.size * digit.size, bits: last.bits + digit.bits };
      } else {
        joined.push(digit);
        strides.forEach((s, p) => rest[p].push(s[k]));
      }
    }
    return [joined, rest];
  };
  const [kept, keptStrides] = join(
    spec.kept,
    spec.parts.map((part) => part.keptStrides),
  );
  const [bound, boundStrides] = join(
    spec.bound,
    spec.parts.map((part) => part.boundStrides),
  );
  const parts = spec.parts.map((part, p) => ({ ...part, keptStrides: keptStrides[p], boundStrides: boundStrides[p] }));
  return { ...spec, kept, bound, parts };
}

/** Whether a workgroup should share each output's sum: few outputs, and reads not further apart for it. */
function worthSharing({ kept, weights, parts }: BindSpec, outputs: number, maxGroups: number): boolean {
  if (weights.length < SHARED_TERMS || outputs >= 4 * maxGroups) return false;
  const apart = parts.some((p) => kept.length > 0 && Math.abs(p.boundStrides[0]) > Math.abs(p.keptStrides[0]));
  return outputs <= THREADS || !apart;
}

export function bind(vectors: GpuVectors, given: BindSpec): GpuExtVec {
  checkBind(given);
  const spec = joinDigits(given);
  const { queue } = vectors;
  const out = vectors.ext(indexSpace(spec.kept));
  const weighted = spec.bound.length > 0;
  const shared = weighted && worthSharing(spec, out.length, queue.maxGroups);
  const innerStep = shared && spec.bound[0].size >= MIN_INNER ? THREADS : 1;
  const own: GPUBuffer[] = [];
  const weightWords = extWords(spec.weights);
  const weights = upload(queue, weightWords, own);
  const groups = group(spec);
  // Without parts the sum is empty; one group without parts writes the zeros.
  if (groups.length === 0) groups.push({ cells: null, firstChunk: 0, parts: [] });
  groups.forEach((g, n) => {
    const tableWords = table(spec, g, weighted ? null : spec.weights[0]);
    const tableBuffer = upload(queue, tableWords, own);
    const chunks = g.cells === null ? [] : gpuCells(g.cells).chunks.slice(g.firstChunk, g.firstChunk + CELL_SLOTS);
    for (const piece of vectors.pieces(out, 0, out.length)) {
      const [inlineTable, inlineWeights] = queue.inline(
        tableBuffer === null ? tableWords : new Uint32Array(4),
        weights === null ? weightWords : new Uint32Array(4),
      );
      const cells = Array.from({ length: CELL_SLOTS }, (_, k) => chunks[k] ?? inlineTable);
      const bindings = [tableBuffer ?? inlineTable, ...cells, weights ?? inlineWeights, piece.buffer];
      const params = [
        ...[piece.at, piece.done, piece.count, spec.weights.length],
        ...[spec.kept.length, spec.bound.length, g.parts.length, vectors.chunkLog + 2],
        ...[n === 0 ? 0 : 1, innerStep],
      ];
      queue.dispatch('bind', queue.groupsFor(piece.count, shared ? 1 : 64), params, bindings, {
        SLOTS: chunks.length <= 1 ? 1 : CELL_SLOTS,
        SHARED: shared ? 1 : 0,
        WEIGHTED: weighted ? 1 : 0,
      });
    }
  });
  for (const buffer of own) queue.release(buffer);
  return out;
}
