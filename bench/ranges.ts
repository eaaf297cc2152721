/**
 * Bits that the values of every tensor take over a run of test/vectors, to choose the declared widths by.
 * Run: node bench/ranges.ts [name: qv-adamw] [steps: 30] [raise: bits added to every declared width, 0].
 */
import { llamaProgram } from '../protocol/program/llama.ts';
import type { Widths } from '../protocol/program/config.ts';
import { sizeOf, type Tensor } from '../protocol/program/tensors.ts';
import { allocate } from '../commitment/cells.ts';
import { adapterCells } from '../commitment/chains.ts';
import { decodePart, fill } from '../prover/train/cells.ts';
import type { CellMap } from '../prover/train/engine.ts';
import { widthOf } from '../prover/train/errors.ts';
import { createGpuEngine } from '../prover/train/gpu-engine.ts';
import { cellOwners } from '../prover/train/program-tensors.ts';
import { nextState, zeroMoments } from '../prover/train/state.ts';
import { loadVector } from '../test/support/vector-run.ts';

const run = await loadVector(process.argv[2] ?? 'qv-adamw');
const steps = Math.min(Number(process.argv[3] ?? 30), run.batches.length);
const raise = Number(process.argv[4] ?? 0);
const RAISED = ['activation', 'residual', 'gate', 'score', 'gradient', 'weightGradient', 'spread'] as const;

/** The run's program of one step, with wider ranges where asked for. */
function program(step: number): ReturnType<typeof llamaProgram> {
  const { config } = run.program(step, 1);
  const widths: Widths = {
    ...config.widths,
    ...Object.fromEntries(RAISED.map((name) => [name, config.widths[name] + raise])),
  };
  return llamaProgram({ ...config, widths });
}

const first = program(0);
const owners = [...cellOwners(first).values()];
const tensors = new Map(owners.map((o) => [o.tensor.name, o.tensor]));
const seen = new Map<string, { min: number; max: number }>();

function note(name: string, min: number, max: number): void {
  const before = seen.get(name) ?? { min: 0, max: 0 };
  seen.set(name, { min: Math.min(before.min, min), max: Math.max(before.max, max) });
}

/** A tensor's values as doubles; a wide one loses low bits, which its size does not need. */
function valuesOf(tensor: Tensor, cells: CellMap): Float64Array | null {
  const values = allocate(tensor.min, tensor.max, sizeOf(tensor.axes));
  fill(values, tensor.offset);
  for (const { part, tensor: owned } of owners) {
    if (owned.name !== tensor.name) continue;
    const data = cells.get(part.cells.name);
    if (data === undefined) return null;
    decodePart(tensor, part, data, values);
  }
  return values instanceof Float64Array ? values : Float64Array.from(values, Number);
}

function measure(cells: CellMap): void {
  for (const tensor of tensors.values()) {
    const values = valuesOf(tensor, cells);
    if (values === null) continue;
    let [min, max] = [0, 0];
    for (const v of values) {
      if (v < min) min = v;
      else if (v > max) max = v;
    }
    note(tensor.name, min, max);
  }
  const [score, mu] = ['score', 'attention.mu'].map(
    (name) => valuesOf(tensors.get(name) as Tensor, cells) as Float64Array,
  );
  const keys = first.config.seqLen;
  let lowest = 0;
  for (let i = 0; i < score.length; i++)
    if (i % keys <= Math.floor(i / keys) % keys) lowest = Math.min(lowest, score[i] - mu[Math.floor(i / keys)]);
  note('attention.key', lowest, 0);
}

const engine = await createGpuEngine(first, { witness: true });
await engine.loadBase(run.base);
let state: CellMap = new Map([...adapterCells(first, run.initial), ...zeroMoments(first)]);
for (let t = 0; t < steps; t++) {
  await engine.begin(program(t), state);
  await engine.step(0, run.batches[t]);
  const end = await engine.state();
  measure(new Map([...(await engine.witness()), ...state, ...end]));
  state = nextState(end);
}
engine.close();

/** Bits of the smallest range that holds the values: [−2^(b−1), 2^(b−1)), or [0, 2^b) or (−2^b, 0] for one sign alone. */
function bitsOf(min: number, max: number, signed: boolean): number {
  const bits = Math.ceil(Math.log2(Math.max(-min, max + 1)));
  return signed && max > 0 ? bits + 1 : min < 0 ? Math.ceil(Math.log2(1 - min)) : bits;
}

const declaredBits = (tensor: Tensor | undefined): string =>
  tensor === undefined ? '' : String((tensor.max - tensor.min).toString(2).length);

console.log(`${'tensor'.padEnd(28)} declared  seen  width             least … most`);
for (const [name, { min, max }] of [...seen].sort((x, y) => x[0].localeCompare(y[0])))
  if (!/\.(rem|corem)$/.test(name))
    console.log(
      name.padEnd(28),
      declaredBits(tensors.get(name)).padStart(8),
      String(bitsOf(min, max, (tensors.get(name)?.min ?? 0n) < 0n)).padStart(5),
      ` ${(widthOf(name) ?? '').padEnd(16)}`,
      `${min} … ${max}`,
    );
