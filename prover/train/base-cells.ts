/** The base model as the program wants it. */
import type { ModelShape } from '../../protocol/program/config.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { sizeOf } from '../../protocol/program/tensors.ts';
import type { Architecture } from '../model/config.ts';
import type { QuantisedBase, QuantisedLayer } from '../model/quantise.ts';
import type { CellMap } from './engine.ts';
import { EngineError } from './errors.ts';

/** Part of each layer that the cells of a name hold. */
const LAYER_PARTS: Readonly<Record<string, keyof QuantisedLayer>> = {
  'base.q_proj': 'q',
  'base.k_proj': 'k',
  'base.v_proj': 'v',
  'base.o_proj': 'o',
  'base.gate_proj': 'gate',
  'base.up_proj': 'up',
  'base.down_proj': 'down',
  'base.gain_attn': 'gainAttn',
  'base.gain_mlp': 'gainMlp',
};

/** A model's shape for the statement: its real numbers as decimals. */
export function modelShape(a: Architecture): ModelShape {
  const { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize } = a;
  const reals = { ropeTheta: String(a.ropeTheta), rmsNormEps: String(a.rmsNormEps) };
  return { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize, ...reals };
}

/**
 * Cells of oracle `base`: the integers raised by 2^frozen, row-major as in the model's files, layer after layer.
 *
 * @throws EngineError for a base of another shape, or an integer of 2^frozen and more in size
 */
export function baseCells(program: LlamaProgram, base: QuantisedBase): CellMap {
  const offset = 2 ** program.config.widths.frozen;
  const out = new Map<string, Uint32Array>();
  for (const { name, oracle, axes } of program.cells) {
    if (oracle !== 'base') continue;
    const parts = partsOf(base, name);
    const given = parts.reduce((n, integers) => n + integers.length, 0);
    const cells = new Uint32Array(sizeOf(axes));
    if (given !== cells.length) throw new EngineError(`${name} has ${given} integers instead of ${cells.length}`);
    let at = 0;
    for (const integers of parts)
      for (const w of integers) {
        if (w < -offset || w >= offset)
          throw new EngineError(`${name}[${at}] is ${w}; it must be below ${offset} in size`, 'Raise widths.frozen.');
        cells[at++] = w + offset;
      }
    out.set(name, cells);
  }
  return out;
}

function partsOf(base: QuantisedBase, name: string): readonly Int32Array[] {
  if (name === 'base.embed') return [base.embed];
  if (name === 'base.head') return [base.head];
  const part = LAYER_PARTS[name];
  if (part === undefined) throw new EngineError(`the base model has no ${name}`);
  return base.layers.map((layer) => layer[part]);
}
