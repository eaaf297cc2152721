/** The public state that a run starts from: A₀ drawn from its seed, moments of zero. */
import { initialAdapter } from './initial.ts';
import type { LlamaProgram } from './llama.ts';
import type { Target } from './adapter.ts';
import { sizeOf, type Tensor, type TensorPart } from './tensors.ts';

/** Tensors whose slice 0 lies in an oracle, with that slice's parts. */
function chains(program: LlamaProgram, oracle: 'adapterIn' | 'momentsIn'): { tensor: Tensor; parts: TensorPart[] }[] {
  return program.chains.flatMap((tensor) => {
    const parts = tensor.parts.filter((p) => p.cells.oracle === oracle);
    return parts.length > 0 ? [{ tensor, parts }] : [];
  });
}

/** The limb of value − offset that a part holds. */
function limb(tensor: Tensor, part: TensorPart, value: number): number {
  const shifted = (BigInt(value) - tensor.offset) / part.coef;
  return Number(shifted & ((1n << BigInt(part.cells.bits ?? 0)) - 1n));
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
    const values = adapter.layers.flatMap((layer) => Array.from(layer[target]?.[side] ?? []));
    for (const part of parts)
      out.set(
        part.cells.name,
        Uint32Array.from(values, (v) => limb(tensor, part, v)),
      );
  }
  for (const { tensor, parts } of chains(program, 'momentsIn'))
    for (const part of parts)
      out.set(part.cells.name, new Uint32Array(sizeOf(part.cells.axes)).fill(limb(tensor, part, 0)));
  return out;
}
