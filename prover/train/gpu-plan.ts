/** A program's operations as passes on the GPU, in the order in which a step runs them. */
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import type { ContractOp, Operation } from '../../protocol/program/relations.ts';
import { use } from '../../protocol/program/builder.ts';
import type { Tensor } from '../../protocol/program/tensors.ts';
import { schedule } from './cpu-engine.ts';
import { EngineError, RangeOverflowError } from './errors.ts';
import { contractRunner } from './gpu-contract.ts';
import type { Layer } from './gpu-index.ts';
import { TableBuffers, divideRunner, siluRunner, softmaxRunner, sqrtRunner } from './gpu-nonlinear.ts';
import { NONE, Scratch, type Check, type Runner } from './gpu-pass.ts';
import type { GpuStore } from './gpu-store.ts';
import { operandsOf } from './program-tensors.ts';

/** What a plan computes: every step with its witness, every step's state alone, or the loss alone. */
export type PlanKind = 'witness' | 'state' | 'loss';

/** The summed loss as an operation: −Σ mask·onehot·(score − μ) of each step. */
function lossOperation(program: LlamaProgram): ContractOp {
  const { loss } = program;
  const out: Tensor = {
    kind: 'tensor',
    name: 'loss',
    axes: loss.domain,
    parts: [],
    offset: 0n,
    min: -(1n << 62n),
    max: 1n << 62n,
  };
  const terms = loss.terms.map((t) => ({ ...t, coef: -t.coef }));
  return {
    kind: 'contract',
    name: 'loss',
    scope: 'update',
    domain: loss.domain,
    terms,
    plus: [],
    sign: 1n,
    divisor: 1n,
    bias: 0n,
    out: use(out),
    remainder: null,
    complement: null,
  };
}

export class GpuPlan {
  readonly #store: GpuStore;
  readonly #scratch: Scratch;
  readonly #tables: TableBuffers;
  readonly #runners: readonly Runner[];
  readonly #loss: Tensor;

  constructor(program: LlamaProgram, store: GpuStore, kind: PlanKind) {
    this.#store = store;
    this.#scratch = new Scratch(store);
    this.#tables = new TableBuffers(this.#scratch);
    const loss = lossOperation(program);
    this.#loss = loss.out.tensor as Tensor;
    const operations: [Operation, Layer][] = [];
    for (const [op, held] of schedule(program, 0)) {
      operations.push([op, held['layer'] ?? null]);
      if (kind === 'loss' && op.scope === 'middle' && op.kind === 'softmax') break;
    }
    operations.push([loss, null]);
    const read = new Set(
      operations.flatMap(([op]) => operandsOf(op).flatMap((o) => ('uses' in o ? o.tensor.name : []))),
    );
    this.#runners = operations.map(([op, layer]) => {
      switch (op.kind) {
        case 'contract':
          // Without a witness only the remainders that an operation reads are kept.
          return contractRunner(this.#scratch, op, layer, kind === 'witness' || read.has(op.remainder?.name ?? ''));
        case 'sqrt':
          return sqrtRunner(this.#scratch, op, layer);
        case 'divide':
          return divideRunner(this.#scratch, op, layer);
        case 'softmax': {
          const { spread } = program.config.widths;
          return softmaxRunner(this.#scratch, this.#tables, op, layer, spread, kind === 'witness');
        }
        case 'silu':
          return siluRunner(this.#scratch, this.#tables, op, layer);
      }
    });
    this.#scratch.allocate();
  }

  /** Runs a step on the batch that the store holds; returns its summed loss. @throws RangeOverflowError */
  async run(step: number): Promise<bigint> {
    for (const runner of this.#runners) for (const pass of runner.passes) pass.record(step);
    const slot = this.#store.slot(this.#loss);
    const at = slot.strides[0] * step;
    const { queue } = this.#store;
    queue.flush();
    const [flags, low, high] = await Promise.all([
      queue.read(this.#scratch.flags, 0, 4 * this.#scratch.flagWords),
      queue.read(slot.buffers[0], 4 * at, 4),
      queue.read(slot.buffers[0], 4 * (at + slot.words), 4),
    ]);
    for (const runner of this.#runners) {
      const found = firstFlag(runner, flags);
      if (found !== null) throw await this.#overflow(runner, found.check, found.entry, step);
    }
    return BigInt.asIntN(64, (BigInt(high[0]) << 32n) | BigInt(low[0]));
  }

  close(): void {
    this.#tables.close();
    this.#scratch.close();
  }

  /** The error for a flagged entry; its value comes from running the operation once more. */
  async #overflow(runner: Runner, result: number, entry: number, step: number): Promise<RangeOverflowError> {
    const check: Check = runner.checks[result];
    let value: bigint;
    if (runner.readValue !== undefined) value = await runner.readValue(result, entry, step);
    else {
      for (const pass of runner.passes) pass.record(step, { result, entry });
      const [low, high] = await this.#store.queue.read(this.#scratch.flags, 0, 8);
      value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
    }
    this.#scratch.clear();
    const { tensor } = check;
    const index = check.indexOf(entry, step);
    return new RangeOverflowError({
      tensor: tensor.name,
      layer: index.length === tensor.axes.length ? layerOf(tensor, index) : runner.layer,
      step,
      index,
      value,
      min: tensor.min,
      max: tensor.max,
    });
  }
}

/** The check whose entry comes first, if any left its range. */
function firstFlag(runner: Runner, flags: Uint32Array): { check: number; entry: number } | null {
  let found: { check: number; entry: number; row: number } | null = null;
  runner.checks.forEach(({ slot }, check) => {
    const entry = flags[slot];
    if (entry === NONE) return;
    const row = runner.rowOf?.(check, entry) ?? entry;
    if (found === null || row < found.row) found = { check, entry, row };
  });
  return found;
}

/** The layer that an index of a tensor belongs to. */
function layerOf(tensor: Tensor, index: readonly number[]): number | null {
  const position = tensor.axes.findIndex((a) => ['layer', 'inner', 'depth'].includes(a.name));
  if (position < 0) return null;
  return index[position] + (tensor.axes[position].name === 'inner' ? 1 : 0);
}

/** Refuses a program whose shape is not the one that an engine was made for. @throws EngineError */
export function checkShape(program: LlamaProgram, made: LlamaProgram): void {
  const shape = (p: LlamaProgram): string =>
    JSON.stringify(p.cells.map((c) => [c.name, c.bits, c.axes.map((a) => a.size)]));
  if (shape(program) !== shape(made))
    throw new EngineError(
      'the program has another shape than the one the engine was made for',
      'Make an engine for it.',
    );
}
