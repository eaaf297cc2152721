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
