import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import type { CellMap, Engine } from '../../prover/train/engine.ts';
import { RangeOverflowError } from '../../prover/train/errors.ts';
import { createGpuEngine } from '../../prover/train/gpu-engine.ts';
import { nextState } from '../../prover/train/state.ts';
import { toy, toys, type Toy } from '../support/toy.ts';

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

describe.each(toys())('$name', (run) => {
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
