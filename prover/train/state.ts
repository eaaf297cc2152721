/** Adapter and moments between their natural form and the cells at a segment's ends. */
import { orderTargets, type Adapter, type LoraPair } from '../../protocol/program/adapter.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { sizeOf, type OracleName, type Tensor } from '../../protocol/program/tensors.ts';
import { allocate, decodePart, encodePart, fill, type Values } from './cells.ts';
import type { CellMap } from './engine.ts';
import { EngineError } from './errors.ts';
import { cellOwners } from './program-tensors.ts';

/** Oracles that hold one slice of every chain. */
export type ChainEnd = Extract<OracleName, 'adapterIn' | 'adapterOut' | 'momentsIn' | 'momentsOut'>;

/** The chains of which an oracle holds a slice: adapter weights or the optimiser's moments. */
export function chainsOf(program: LlamaProgram, end: ChainEnd): Tensor[] {
  const owners = [...cellOwners(program).values()].filter((owner) => owner.cells.oracle === end);
  return [...new Set(owners.map((owner) => owner.tensor))];
}

/**
 * Cells of one end of every chain.
 *
 * @param valueOf values of the slice, row-major over the chain's axes but the first
 */
export function encodeEnd(
  program: LlamaProgram,
  end: ChainEnd,
  valueOf: (chain: Tensor) => ArrayLike<number | bigint>,
): CellMap {
  const out = new Map<string, Uint32Array>();
  for (const chain of chainsOf(program, end)) {
    const all = allocate(chain.min, chain.max, sizeOf(chain.axes));
    const [first, count] = sliceOf(chain, end);
    const slice = valueOf(chain);
    if (slice.length !== count) throw new EngineError(`${chain.name} has ${slice.length} values instead of ${count}`);
    for (let i = 0; i < count; i++) {
      if (all instanceof BigInt64Array) all[first + i] = BigInt(slice[i]);
      else all[first + i] = Number(slice[i]);
    }
    for (const part of chain.parts)
      if (part.cells.oracle === end) out.set(part.cells.name, encodePart(chain, part, all));
  }
  return out;
}

/** Values of one end of a chain, row-major over its axes but the first. @throws EngineError when its cells are missing */
export function decodeEnd(chain: Tensor, end: ChainEnd, cells: CellMap): Values {
  const all = allocate(chain.min, chain.max, sizeOf(chain.axes));
  fill(all, chain.offset);
  for (const part of chain.parts) {
    if (part.cells.oracle !== end) continue;
    const data = cells.get(part.cells.name);
    if (data === undefined) throw new EngineError(`cells ${part.cells.name} are missing`);
    decodePart(chain, part, data, all);
  }
  const [first, count] = sliceOf(chain, end);
  return all.slice(first, first + count);
}

function sliceOf(chain: Tensor, end: ChainEnd): [first: number, count: number] {
  const count = sizeOf(chain.axes.slice(1));
  return [end.endsWith('In') ? 0 : (chain.axes[0].size - 1) * count, count];
}

/** Cells of `adapterIn`. @throws EngineError for an adapter of another shape than the program's */
export function adapterCells(program: LlamaProgram, adapter: Adapter): CellMap {
  return encodeEnd(program, 'adapterIn', (chain) => {
    const { target, side } = matrixOf(chain);
    const out: number[] = [];
    for (const layer of adapter.layers) for (const w of layer[target]?.[side] ?? []) out.push(w);
    return out;
  });
}

/** Cells of `momentsIn` before the first step: moments of zero. */
export function zeroMoments(program: LlamaProgram): CellMap {
  return encodeEnd(program, 'momentsIn', (chain) => new Float64Array(sizeOf(chain.axes.slice(1))));
}

/** The adapter that cells of `adapterIn` or `adapterOut` hold. */
export function adapterOf(program: LlamaProgram, end: 'adapterIn' | 'adapterOut', cells: CellMap): Adapter {
  const { lora, model } = program.config;
  const layers = Array.from({ length: model.layers }, (): Adapter['layers'][number] => ({}));
  for (const chain of chainsOf(program, end)) {
    const { target, side } = matrixOf(chain);
    const values = Int32Array.from(decodeEnd(chain, end, cells) as Float64Array);
    const size = values.length / model.layers;
    layers.forEach((layer, l) => {
      const pair: LoraPair = (layer[target] ??= { A: new Int32Array(0), B: new Int32Array(0) });
      pair[side] = values.slice(l * size, (l + 1) * size);
    });
  }
  return { rank: lora.rank, alpha: lora.alpha, targets: orderTargets(lora.targets), layers };
}

/** The cells at a segment's end as those at the beginning of the next. */
export function nextState(state: CellMap): CellMap {
  return new Map([...state].map(([name, cells]) => [name.replace(/\.last$/, '.first'), cells]));
}

function matrixOf(chain: Tensor): { target: Adapter['targets'][number]; side: 'A' | 'B' } {
  const match = /^(\w+_proj)\.lora_([AB])$/.exec(chain.name);
  if (match === null) throw new EngineError(`${chain.name} is no adapter matrix`);
  return { target: match[1] as Adapter['targets'][number], side: match[2] as 'A' | 'B' };
}
