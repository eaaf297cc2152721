/** From the cells at a segment's ends back to adapter and moments; commitment/chains.ts has the other way. */
import { allocate, type Values } from '../../commitment/cells.ts';
import { chainsOf, encodeEnd, matrixOf, sliceOf, type ChainEnd } from '../../commitment/chains.ts';
import { orderTargets, type Adapter, type LoraPair } from '../../protocol/program/adapter.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { sizeOf, type Tensor } from '../../protocol/program/tensors.ts';
import { decodePart, fill } from './cells.ts';
import type { CellMap } from './engine.ts';
import { EngineError } from './errors.ts';

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
