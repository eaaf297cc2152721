/** Values of every tensor of a program, over all steps of a segment. */
import type { Widths } from '../../protocol/program/config.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import {
  sizeOf,
  type OracleName,
  type OneHotTensor,
  type Operand,
  type Tensor,
} from '../../protocol/program/tensors.ts';
import { allocate, encodePart, span, type Values } from '../../commitment/cells.ts';
import { decodePart, fill } from './cells.ts';
import type { Batch, CellMap } from './engine.ts';
import { EngineError, RangeOverflowError } from './errors.ts';
import { cellOwners, tensorsOf, type CellOwner } from './program-tensors.ts';

export class Store {
  readonly #program: LlamaProgram;
  readonly #values = new Map<string, Values>();
  readonly #tensors: ReadonlyMap<string, Operand['tensor']>;
  readonly #owners: ReadonlyMap<string, CellOwner>;
  /** Declared widths of the program. */
  readonly widths: Widths;

  /**
   * @param program whose tensors are kept
   * @param given cells of oracles base, adapterIn and momentsIn
   * @throws EngineError when cells are missing or do not fit
   */
  constructor(program: LlamaProgram, given: readonly CellMap[]) {
    this.#program = program;
    this.widths = program.config.widths;
    this.#tensors = tensorsOf(program);
    this.#owners = cellOwners(program);
    for (const { cells, tensor, part } of this.#owners.values()) {
      if (!['base', 'adapterIn', 'momentsIn'].includes(cells.oracle)) continue;
      const data = given.map((map) => map.get(cells.name)).find((found) => found !== undefined);
      if (data === undefined) throw new EngineError(`cells ${cells.name} are missing`);
      // The lowest limb comes first.
      if (part.coef === 1n) fill(this.of(tensor), tensor.offset);
      decodePart(tensor, part, data, this.of(tensor));
    }
  }

  /** The values of a tensor, row-major over its axes; zeros before they are computed. */
  of(tensor: Operand['tensor']): Values {
    let values = this.#values.get(tensor.name);
    if (values === undefined) {
      values = tensor.kind === 'public' ? Float64Array.from(tensor.values) : zeros(tensor);
      this.#values.set(tensor.name, values);
    }
    return values;
  }

  /** Writes a value. @throws RangeOverflowError when it is outside the tensor's range. */
  write(tensor: Tensor, values: Values, at: number, value: number | bigint, step: number): void {
    if (value < tensor.min || value > tensor.max) throw overflow(tensor, at, BigInt(value), step);
    if (values instanceof BigInt64Array) values[at] = BigInt(value);
    else values[at] = Number(value);
  }

  /** Fills token bits, one-hot rows and mask of a step. @throws EngineError for another shape or an id that is too large. */
  loadBatch(step: number, batch: Batch): void {
    const { batch: rows, seqLen, model } = this.#program.config;
    const count = rows * seqLen;
    for (const [name, ids] of [
      ['inputs', batch.inputs],
      ['labels', batch.labels],
    ] as const) {
      if (ids.length !== count) throw new EngineError(`the batch has ${ids.length} ${name} instead of ${count}`);
      const stranger = ids.find((id) => id < 0 || id >= model.vocabSize);
      if (stranger !== undefined)
        throw new EngineError(`token ${stranger} is outside the vocabulary of ${model.vocabSize}`);
      this.#loadTokens(this.#program[name], ids, step * count);
    }
    if (batch.mask.length !== count)
      throw new EngineError(`the batch's mask has ${batch.mask.length} entries instead of ${count}`);
    const mask = this.of(this.#program.mask) as Float64Array;
    batch.mask.forEach((m, i) => (mask[step * count + i] = m));
  }

  #loadTokens(tokens: OneHotTensor, ids: Int32Array, first: number): void {
    const onehot = this.of(tokens) as Float64Array;
    const bits = this.of(tokens.bits) as Float64Array;
    const slack = this.#tensors.get(tokens.name.replace('.onehot', '.slack'));
    const vocab = this.#program.config.model.vocabSize;
    const width = tokens.bits.axes[3].size;
    ids.forEach((id, i) => {
      const at = first + i;
      onehot.fill(0, at * vocab, (at + 1) * vocab);
      onehot[at * vocab + id] = 1;
      for (let k = 0; k < width; k++) bits[at * width + k] = (id >> k) & 1;
      if (slack !== undefined) (this.of(slack) as Float64Array)[at] = vocab - 1 - id;
    });
  }

  /** Cells of every oracle named. */
  cells(...oracles: readonly OracleName[]): CellMap {
    const out = new Map<string, Uint32Array>();
    for (const declared of this.#program.cells) {
      if (!oracles.includes(declared.oracle)) continue;
      const owner = this.#owners.get(declared.name);
      if (owner === undefined) throw new EngineError(`cells ${declared.name} belong to no tensor`);
      const { start, count } = span(owner.tensor, owner.part);
      const values = this.of(owner.tensor).subarray(start, start + count);
      out.set(declared.name, encodePart(owner.tensor, owner.part, values));
    }
    return out;
  }
}

function zeros(tensor: Tensor | OneHotTensor): Values {
  const size = sizeOf(tensor.axes);
  return tensor.kind === 'onehot' ? new Float64Array(size) : allocate(tensor.min, tensor.max, size);
}

/** The error for entry `at` of a tensor. */
function overflow(tensor: Tensor, at: number, value: bigint, step: number): RangeOverflowError {
  const index: number[] = [];
  let rest = at;
  for (const axis of [...tensor.axes].reverse()) {
    index.unshift(rest % axis.size);
    rest = Math.floor(rest / axis.size);
  }
  const position = tensor.axes.findIndex((a) => a.name === 'layer' || a.name === 'inner' || a.name === 'depth');
  const shift = tensor.axes[position]?.name === 'inner' ? 1 : 0;
  const layer = position < 0 ? null : index[position] + shift;
  return new RangeOverflowError({ tensor: tensor.name, layer, step, index, value, min: tensor.min, max: tensor.max });
}
