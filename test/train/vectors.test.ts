import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Adapter } from '../../protocol/program/adapter.ts';
import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import type { CellMap, Engine, StepResult } from '../../prover/train/engine.ts';
import { createGpuEngine } from '../../prover/train/gpu-engine.ts';
import { adapterCells } from '../../commitment/chains.ts';
import { adapterOf, nextState, zeroMoments } from '../../prover/train/state.ts';
import { loadVector, type VectorRun } from '../support/vector-run.ts';

/** The whole runs take minutes without a GPU; the first steps show the forward pass, the gradients and the update. */
const FULL = process.env['ZKLORA_FULL'] === '1';
const FIRST_STEPS = 3;

/** Bounds of the semantics: losses in nats, updates relative to their norm. */
const STEP_LOSS = 0.005;
const HELD_OUT_LOSS = 0.01;
const UPDATE = { sgd: 0.02, adamw: 0.05 };

let device: GpuDevice;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const mean = ({ loss, count }: StepResult): number => Number(loss) / count / 1024;

/** Mean loss of the held-out rows under a state. */
async function heldOut(engine: Engine, run: VectorRun, state: CellMap): Promise<number> {
  await engine.begin(run.program(0, 1), state);
  let [loss, count] = [0n, 0];
  for (const batch of run.heldOut) {
    const result = await engine.evaluate(batch);
    loss += result.loss;
    count += result.count;
  }
  return mean({ loss, count });
}

/** |(final − initial) − (reference − initial)| / |reference − initial| over all matrices. */
function updateError(initial: Adapter, final: Adapter, reference: Adapter): number {
  let [difference, norm] = [0, 0];
  initial.layers.forEach((layer, l) => {
    for (const target of initial.targets)
      for (const side of ['A', 'B'] as const)
        layer[target]![side].forEach((w, i) => {
          const wanted = reference.layers[l][target]![side][i];
          difference += (final.layers[l][target]![side][i] - wanted) ** 2;
          norm += (wanted - w) ** 2;
        });
  });
  return Math.sqrt(difference / norm);
}

describe.each(['qv-sgd', 'qv-adamw', 'all-sgd-r4', 'all-adamw'])('the float64 run %s', (name) => {
  it(
    FULL ? 'is followed to its end' : 'is followed over its first steps',
    async () => {
      const run = await loadVector(name);
      const { vector } = run;
      const total = vector.train_loss.length;
      const steps = FULL ? total : FIRST_STEPS;
      const first = run.program(0, 1);
      const engine = await createGpuEngine(first, { witness: false, device });
      await engine.loadBase(run.base);
      let state: CellMap = new Map([...adapterCells(first, run.initial), ...zeroMoments(first)]);
      if (FULL)
        expect(Math.abs((await heldOut(engine, run, state)) - vector.eval_loss_before)).toBeLessThan(HELD_OUT_LOSS);
      const errors: number[] = [];
      for (let step = 0; step < steps; step++) {
        await engine.begin(run.program(step, 1), state);
        errors.push(Math.abs(mean(await engine.step(0, run.batches[step])) - vector.train_loss[step]));
        state = nextState(await engine.state());
      }
      expect(errors).toHaveLength(steps);
      expect(Math.max(...errors)).toBeLessThan(STEP_LOSS);
      const adapter = adapterOf(first, 'adapterIn', state);
      // Nothing but training brings the adapter nearer to the float64 run's.
      expect(updateError(run.initial, run.initial, run.final)).toBe(1);
      if (FULL) {
        expect(Math.abs((await heldOut(engine, run, state)) - vector.eval_loss_after)).toBeLessThan(HELD_OUT_LOSS);
        expect(updateError(run.initial, adapter, run.final)).toBeLessThan(UPDATE[vector.optimizer.name]);
      } else expect(updateError(run.initial, adapter, run.final)).toBeLessThan(1);
      engine.close();
    },
    1_200_000,
  );
});
