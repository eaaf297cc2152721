import { describe, expect, it } from 'vitest';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import type { OptimizerSteps } from '../../protocol/program/config.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import type { CellMap, Engine } from '../../prover/train/engine.ts';
import { EngineError, RangeOverflowError, widthOf } from '../../prover/train/errors.ts';
import { softmaxShift } from '../../prover/train/nonlinear.ts';
import { nextState } from '../../prover/train/state.ts';
import { expTable } from '../../protocol/program/exp.ts';
import { toy, type Toy } from '../support/toy.ts';

async function begun(t: Toy, program: LlamaProgram = t.program, state: CellMap = t.state): Promise<Engine> {
  const engine = createCpuEngine(program, { witness: true });
  await engine.loadBase(t.base);
  await engine.begin(program, state);
  return engine;
}

/** The program of one step of a toy's segment. */
function oneStep(t: Toy, step: number): LlamaProgram {
  const { config } = t;
  const optimizer = { ...config.optimizer, steps: [config.optimizer.steps[step]] } as OptimizerSteps;
  return llamaProgram({ ...config, steps: 1, optimizer, counts: [config.counts[step]] });
}

describe('the CPU engine', () => {
  it.each(['sgd', 'adamw-decay'] as const)(
    'goes the same way in one segment of %s as step by step',
    async (optimizer) => {
      const t = toy({ optimizer, steps: 4, targets: ['k_proj', 'down_proj'] });
      const whole = await begun(t);
      const losses: bigint[] = [];
      for (const [i, batch] of t.batches.entries()) losses.push((await whole.step(i, batch)).loss);
      let state = t.state;
      for (const [i, batch] of t.batches.entries()) {
        const engine = await begun(t, oneStep(t, i), state);
        expect((await engine.step(0, batch)).loss).toBe(losses[i]);
        state = nextState(await engine.state());
      }
      expect(nextState(await whole.state())).toEqual(state);
      expect(state).not.toEqual(t.state);
    },
  );

  it('evaluates without touching the segment', async () => {
    const t = toy();
    const [plain, watched] = [await begun(t), await begun(t)];
    const before = await watched.evaluate(t.batches[0]);
    for (const [i, batch] of t.batches.entries()) {
      const result = await plain.step(i, batch);
      expect(await watched.step(i, batch)).toEqual(result);
      if (i === 0) expect(before).toEqual(result);
      expect(await watched.evaluate(t.batches[0])).toEqual(before);
    }
    expect(await watched.witness()).toEqual(await plain.witness());
    expect(await watched.state()).toEqual(await plain.state());
  });

  it('stops at a value outside its range and names tensor, place and width', async () => {
    const t = toy({ widths: { gradient: 8 } });
    const failed = (await begun(t)).step(0, t.batches[0]);
    await expect(failed).rejects.toThrow(RangeOverflowError);
    const error = (await failed.catch((e: unknown) => e)) as RangeOverflowError;
    expect(error.width).toBe('gradient');
    expect(error.place).toMatchObject({ step: 0, min: -128n, max: 127n });
    expect(error.place.value < -128n || error.place.value > 127n).toBe(true);
    expect(error.next).toContain('widths.gradient');
  });

  it('stops at a score beyond the table of the exponential', async () => {
    const t = toy({ widths: { spread: 6 } });
    await expect((await begun(t)).step(0, t.batches[0])).rejects.toMatchObject({ width: 'spread' });
  });

  it('refuses calls out of order, and data that do not fit', async () => {
    const t = toy();
    const engine = createCpuEngine(t.program, { witness: false });
    await expect(engine.begin(t.program, t.state)).rejects.toThrow(EngineError);
    await engine.loadBase(t.base);
    await expect(engine.begin(t.program, new Map())).rejects.toThrow('are missing');
    await engine.begin(t.program, t.state);
    await expect(engine.state()).rejects.toThrow('0 of the segment');
    await expect(engine.step(1, t.batches[1])).rejects.toThrow('does not follow');
    const [batch] = t.batches;
    await expect(engine.step(0, { ...batch, mask: batch.mask.map(() => 1) })).rejects.toThrow('the program says');
    await expect(engine.step(0, { ...batch, labels: batch.labels.map(() => 11) })).rejects.toThrow(
      'outside the vocabulary',
    );
    await expect(engine.step(0, { ...batch, inputs: batch.inputs.slice(1) })).rejects.toThrow('instead of');
    for (const [i, step] of t.batches.entries()) await engine.step(i, step);
    await expect(engine.witness()).rejects.toThrow('without a witness');
    expect((await engine.state()).size).toBeGreaterThan(0);
  });
});

describe('the softmax shift', () => {
  const table = expTable(12);
  const total = (scores: number[], mu: number): number =>
    scores.reduce((sum, s) => sum + (s - mu < table.lowest ? 0 : table.values[s - mu - table.lowest]), 0);

  it.each([[[5]], [[0, 0]], [[-3000, 12, 11, 700]], [Array.from({ length: 300 }, (_, i) => (i * 37) % 50)]])(
    'is the smallest under which the probabilities fit: %j',
    (scores) => {
      const mu = softmaxShift(scores, table, 12);
      expect(total(scores, mu)).toBeLessThanOrEqual(4096);
      expect(total(scores, mu - 1)).toBeGreaterThan(4096);
    },
  );
});

describe('the width to raise', () => {
  it.each([
    ['x_mid', 'residual'],
    ['norm1.hat', 'activation'],
    ['q_proj.a_work', 'activation'],
    ['gate', 'gate'],
    ['logit.shifted', 'spread'],
    ['d_v', 'gradient'],
    ['norm2_back.e', 'gradient'],
    ['o_proj.dz', 'gradient'],
    ['o_proj.grad_A_hat', 'weightGradient'],
    ['o_proj.lora_A', null],
    ['o_proj.lora_A.momentum', null],
  ])('of %s is %s', (tensor, width) => {
    expect(widthOf(tensor)).toBe(width);
  });
});
