/** Adapter and moments between their natural form and the cells at a segment's ends. */
import type { Adapter, Target } from '../protocol/program/adapter.ts';
import { ProgramBuilder } from '../protocol/program/builder.ts';
import { declareChains, makeAxes, siteAxes } from '../protocol/program/context.ts';
import type { Program } from '../protocol/program/relations.ts';
import { sizeOf, type OracleName, type Tensor } from '../protocol/program/tensors.ts';
import type { RunSpec } from '../protocol/statement.ts';
import { allocate, encodePart, type CellMap } from './cells.ts';

/** Oracles that hold one slice of every chain. */
export type ChainEnd = Extract<OracleName, 'adapterIn' | 'adapterOut' | 'momentsIn' | 'momentsOut'>;

/** What of a program says where state lies. */
export type ChainProgram = Pick<Program, 'cells' | 'chains'>;

/** What of a run its adapter's cells depend on. */
export type AdapterRun = Pick<RunSpec, 'model' | 'lora' | 'widths' | 'batch' | 'seqLen' | 'dataRows'>;

/**
 * The adapter's part of the run's programs, all of which lay it out alike; none of the work of a whole program.
 * @param run a valid one, as `parseRun` gives it
 */
export function adapterProgram(run: AdapterRun): ChainProgram {
  const builder = new ProgramBuilder(run.widths.widest);
  const axes = makeAxes({ ...run, steps: 1 });
  const sites = siteAxes(axes);
  for (const target of run.lora.targets) declareChains(builder, axes, target, sites[target]);
  return builder.finish();
}

/** The chains of which an oracle holds a slice: adapter weights or the optimiser's moments. */
export function chainsOf(program: ChainProgram, end: ChainEnd): Tensor[] {
  return program.chains.filter((chain) => chain.parts.some((part) => part.cells.oracle === end));
}

/** First entry and number of entries of the slice of a chain at an end. */
export function sliceOf(chain: Tensor, end: ChainEnd): [first: number, count: number] {
  const count = sizeOf(chain.axes.slice(1));
  return [end.endsWith('In') ? 0 : (chain.axes[0].size - 1) * count, count];
}

/**
 * Cells of one end of every chain.
 *
 * @param valueOf values of the slice, row-major over the chain's axes but the first, within its range
 * @throws RangeError for another number of values
 */
export function encodeEnd(
  program: ChainProgram,
  end: ChainEnd,
  valueOf: (chain: Tensor) => ArrayLike<number | bigint>,
): CellMap {
  const out = new Map<string, Uint32Array>();
  for (const chain of chainsOf(program, end)) {
    const [, count] = sliceOf(chain, end);
    const slice = valueOf(chain);
    if (slice.length !== count) throw new RangeError(`${chain.name} has ${slice.length} values instead of ${count}`);
    const values = allocate(chain.min, chain.max, count);
    for (let i = 0; i < count; i++) {
      if (values instanceof BigInt64Array) values[i] = BigInt(slice[i]);
      else values[i] = Number(slice[i]);
    }
    for (const part of chain.parts)
      if (part.cells.oracle === end) out.set(part.cells.name, encodePart(chain, part, values));
  }
  return out;
}

/** Cells of `adapterIn`. @throws RangeError for an adapter of another shape than the program's */
export function adapterCells(program: ChainProgram, adapter: Adapter): CellMap {
  return encodeEnd(program, 'adapterIn', (chain) => {
    const { target, side } = matrixOf(chain);
    const layers = adapter.layers.map((layer) => layer[target]?.[side] ?? new Int32Array(0));
    const all = new Int32Array(layers.reduce((n, values) => n + values.length, 0));
    let at = 0;
    for (const values of layers) {
      all.set(values, at);
      at += values.length;
    }
    return all;
  });
}

/** Which matrix of the adapter a chain is. @throws RangeError for a chain that is none */
export function matrixOf(chain: Tensor): { target: Target; side: 'A' | 'B' } {
  const match = /^(\w+_proj)\.lora_([AB])$/.exec(chain.name);
  if (match === null) throw new RangeError(`${chain.name} is no adapter matrix`);
  return { target: match[1] as Target, side: match[2] as 'A' | 'B' };
}
