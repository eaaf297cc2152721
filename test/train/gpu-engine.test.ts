import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Widths } from '../../protocol/program/config.ts';
import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import type { CellMap, Engine } from '../../prover/train/engine.ts';
import { RangeOverflowError } from '../../prover/train/errors.ts';
import { createGpuEngine } from '../../prover/train/gpu-engine.ts';
import { nextState } from '../../prover/train/state.ts';
import { TOYS, toy, toys, type Toy } from '../support/toy.ts';

let device: GpuDevice;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

async function begin(engine: Engine, run: Toy): Promise<void> {
  await engine.loadBase(run.base);
  await engine.begin(run.program, run.state);
}

async function train(engine: Engine, run: Toy): Promise<bigint[]> {
  const losses: bigint[] = [];
  for (const [t, batch] of run.batches.entries()) losses.push((await engine.step(t, batch)).loss);
  return losses;
}

/** Names of cells that differ, so that a failure is short. */
function differences(a: CellMap, b: CellMap): string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    return x === undefined || y === undefined || x.length !== y.length || x.some((v, i) => v !== y[i]);
  });
}

/** Sizes in multiples of four, which the other toys avoid, and weights and activations of the widths of a real model. */
const inQuads = toy(
  {
    hidden: 64,
    feed: 68,
    kvHeads: 2,
    headDim: 8,
    vocab: 40,
    rank: 8,
    alpha: 8,
    targets: ['q_proj', 'k_proj', 'v_proj', 'down_proj'],
    optimizer: 'adamw',
    batch: 4,
    seqLen: 16,
    dataRows: 9,
    widths: { activation: 20, residual: 20, frozen: 23, score: 24, spread: 22, gate: 20, gradient: 22, widest: 20 },
    seed: 8,
  },
  'adamw, sizes in multiples of four',
);

describe.each([...toys(), inQuads])('$name', (run) => {
  test('every cell, state and loss equals the CPU engine', async () => {
    const cpu = createCpuEngine(run.program, { witness: true });
    const gpu = await createGpuEngine(run.program, { witness: true, device });
    await begin(cpu, run);
    await begin(gpu, run);
    const before = await gpu.evaluate(run.batches[0]);
    expect(before).toEqual(await cpu.evaluate(run.batches[0]));
    expect(await train(gpu, run)).toEqual(await train(cpu, run));
    // Evaluation reads the segment's first adapter and leaves the witness alone.
    expect(await gpu.evaluate(run.batches[0])).toEqual(before);
    const witness = await gpu.witness();
    expect(differences(witness, await cpu.witness())).toEqual([]);
    expect(differences(await gpu.state(), await cpu.state())).toEqual([]);
    expect(witness.size).toBe(run.program.cells.filter((c) => c.oracle === 'witness').length);
    gpu.close();
    cpu.close();
  });

  test('training without a witness ends in the same state', async () => {
    const lean = await createGpuEngine(run.program, { witness: false, device });
    const full = await createGpuEngine(run.program, { witness: true, device });
    await begin(lean, run);
    await begin(full, run);
    expect(await train(lean, run)).toEqual(await train(full, run));
    expect(differences(await lean.state(), await full.state())).toEqual([]);
    await expect(lean.witness()).rejects.toThrow('without a witness');
    lean.close();
    full.close();
  });
});

describe('a value outside its range', () => {
  const narrow: [string, Partial<Widths>][] = [
    ['activation', { activation: 13 }],
    ['residual', { residual: 13 }],
    ['score', { score: 12 }],
    ['spread', { spread: 10 }],
    ['gate', { gate: 10 }],
    ['gradient', { gradient: 10 }],
    ['weightGradient', { weightGradient: 8 }],
  ];
  test.each(narrow)('stops both engines at the same place: %s', async (width, widths) => {
    const run = toy({ ...TOYS['sgd, all targets'], widths });
    const errors: RangeOverflowError[] = [];
    for (const engine of [
      createCpuEngine(run.program, { witness: false }),
      await createGpuEngine(run.program, { witness: false, device }),
    ]) {
      await begin(engine, run);
      const error = await train(engine, run).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(RangeOverflowError);
      errors.push(error as RangeOverflowError);
      engine.close();
    }
    expect(errors[1].place).toEqual(errors[0].place);
    expect(errors[1].message).toBe(errors[0].message);
    expect(errors[1].width).toBe(width);
  });
});

test('a second segment goes on where the first one ended, as often as it is run', async () => {
  const run = toy(TOYS['adamw, q and v']);
  const cpu = createCpuEngine(run.program, { witness: true });
  const gpu = await createGpuEngine(run.program, { witness: true, device });
  const ends: CellMap[] = [];
  for (const engine of [cpu, gpu, gpu]) {
    await begin(engine, run);
    await train(engine, run);
    await engine.begin(run.program, nextState(await engine.state()));
    await train(engine, run);
    ends.push(new Map([...(await engine.witness()), ...(await engine.state())]));
  }
  expect(differences(ends[1], ends[0])).toEqual([]);
  expect(differences(ends[2], ends[1])).toEqual([]);
  cpu.close();
  gpu.close();
});

test('calls out of order and data that do not fit are refused', async () => {
  const run = toy();
  const engine = await createGpuEngine(run.program, { witness: true, device });
  const [batch] = run.batches;
  await expect(engine.begin(run.program, run.state)).rejects.toThrow('not loaded');
  await expect(engine.loadBase(new Map())).rejects.toThrow('missing');
  await engine.loadBase(run.base);
  await expect(engine.step(0, batch)).rejects.toThrow('no segment');
  await expect(engine.begin(toy({ steps: 4 }).program, run.state)).rejects.toThrow('another shape');
  await expect(engine.begin(run.program, new Map())).rejects.toThrow('missing');
  await engine.begin(run.program, run.state);
  await expect(engine.step(1, batch)).rejects.toThrow('does not follow');
  await expect(engine.state()).rejects.toThrow('0 of');
  const stranger = batch.inputs.slice();
  stranger[3] = run.config.model.vocabSize;
  await expect(engine.step(0, { ...batch, inputs: stranger })).rejects.toThrow('outside the vocabulary');
  await expect(engine.step(0, { ...batch, labels: new Int32Array(3) })).rejects.toThrow('3 labels');
  await expect(engine.step(0, { ...batch, mask: batch.mask.slice().fill(0) })).rejects.toThrow('0 unmasked');
  engine.close();
});
