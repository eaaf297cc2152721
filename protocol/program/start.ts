/** The public state that a run starts from: A₀ drawn from its seed, moments of zero. */
import { ONE, ZERO, add, scale, type Ext } from '../extension.ts';
import { initialA, initialAdapter } from './initial.ts';
import type { LlamaProgram } from './llama.ts';
import type { Target } from './adapter.ts';
import type { Circuit } from './circuit.ts';
import type { Placement } from './layout.ts';
import { MatrixPoint } from './matrix-point.ts';
import { sizeOf, type OracleName, type Tensor, type TensorPart } from './tensors.ts';
import { AddressPoint, onCells } from './weights.ts';

/** Oracles that everybody computes before a run's first step. */
export type StartOracle = 'adapterIn' | 'momentsIn';

export function isStartOracle(oracle: OracleName): oracle is StartOracle {
  return oracle === 'adapterIn' || oracle === 'momentsIn';
}

/** Tensors whose slice 0 lies in an oracle, with that slice's parts. */
function chains(program: LlamaProgram, oracle: StartOracle): { tensor: Tensor; parts: TensorPart[] }[] {
  return program.chains.flatMap((tensor) => {
    const parts = tensor.parts.filter((p) => p.cells.oracle === oracle);
    return parts.length > 0 ? [{ tensor, parts }] : [];
  });
}

/** The limb of value − offset, below 2^53, that a part holds. Its coefficient is a power of two, so doubles are exact. */
function limbOf(tensor: Tensor, part: TensorPart): (value: number) => number {
  const offset = Number(tensor.offset);
  const unit = Number(part.coef);
  const size = 2 ** (part.cells.bits ?? 0);
  return (value) => Math.floor((value - offset) / unit) % size;
}

/**
 * Cells of `adapterIn` and `momentsIn` before a run's first step, natural row-major by name.
 * @param seed 32 bytes, deriveSeed(runId, 'adapter')
 */
export function startCells(program: LlamaProgram, seed: Uint8Array): Map<string, Uint32Array> {
  const { model, lora } = program.config;
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers } = model;
  const dimensions = { hiddenSize, intermediateSize, heads, kvHeads, headDim };
  const adapter = initialAdapter(seed, {
    dimensions,
    layers,
    rank: lora.rank,
    alpha: lora.alpha,
    targets: lora.targets,
  });
  const out = new Map<string, Uint32Array>();
  for (const { tensor, parts } of chains(program, 'adapterIn')) {
    const [target, side] = tensor.name.split('.lora_') as [Target, 'A' | 'B'];
    for (const part of parts) {
      const limb = limbOf(tensor, part);
      const cells = new Uint32Array(sizeOf(part.cells.axes));
      let at = 0;
      for (const layer of adapter.layers) for (const v of layer[target]?.[side] ?? []) cells[at++] = limb(v);
      out.set(part.cells.name, cells);
    }
  }
  for (const { tensor, parts } of chains(program, 'momentsIn'))
    for (const part of parts)
      out.set(part.cells.name, new Uint32Array(sizeOf(part.cells.axes)).fill(limbOf(tensor, part)(0)));
  return out;
}

/** A lora_A's part, summed up over its matrices. */
interface PartSum {
  readonly at: MatrixPoint;
  readonly limb: (value: number) => number;
  sum: Ext;
}

/** Σ over the layers of a target's lora_A, one matrix [rank, width] in memory at a time. */
function drawnValue(parts: readonly PartSum[], layers: number, draw: (layer: number) => Int32Array): Ext {
  for (let layer = 0; layer < layers; layer++) {
    const matrix = draw(layer);
    for (const part of parts) part.sum = add(part.sum, part.at.evaluate(layer, matrix.map(part.limb)));
  }
  return parts.reduce((sum, part) => add(sum, part.sum), ZERO);
}

/**
 * The multilinear extension of the stack of `startCells` at a point, without that stack: all of it but lora_A is constant.
 * @param point one coordinate per address bit of the oracle's stack
 */
export function startValue(circuit: Circuit, seed: Uint8Array, oracle: StartOracle, point: readonly Ext[]): Ext {
  const { model, lora } = circuit.program.config;
  const address = new AddressPoint(point);
  const placementOf = (part: TensorPart): Placement => circuit.placement(part.cells);
  let sum = ZERO;
  for (const { tensor, parts } of chains(circuit.program, oracle)) {
    const [target, side] = tensor.name.split('.lora_') as [Target, string];
    if (side === 'A') {
      const sums = parts.map((part) => {
        const at = new MatrixPoint(placementOf(part), point, part.cells.bits ?? 0);
        return { at, limb: limbOf(tensor, part), sum: ZERO };
      });
      const { width } = sums[0].at;
      sum = add(
        sum,
        drawnValue(sums, model.layers, (layer) => initialA(seed, layer, target, lora.rank, width)),
      );
      continue;
    }
    for (const part of parts) {
      const ones = address.evaluate(onCells(placementOf(part), ONE, new Map()));
      sum = add(sum, scale(ones, BigInt(limbOf(tensor, part)(0))));
    }
  }
  return sum;
}
