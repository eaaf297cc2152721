import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { commitOracle, type RunShape } from '../../prover/commitment.ts';
import { shapeProgram } from '../../prover/train/run-shape.ts';
import type { CellMap } from '../../prover/train/engine.ts';
import { SAMPLE_RUN } from '../support/statements.ts';
import { toy } from '../support/toy.ts';

const backend = createCpuBackend();
const { config, base, state } = toy();

/** The toy's run; what is not its program's is the sample's. */
const shape: RunShape = {
  ...SAMPLE_RUN,
  model: config.model,
  lora: config.lora,
  scales: config.scales,
  widths: config.widths,
  optimizer: { kind: 'sgd', lr: '0.001', momentum: '0.9', schedule: { kind: 'constant', warmup: 0 } },
  batch: config.batch,
  seqLen: config.seqLen,
  dataRows: config.dataRows,
};

const baseRoot = (changed: Partial<RunShape>, cells: CellMap = base): Promise<string> => {
  const other = { ...shape, ...changed };
  return commitOracle(backend, 'base', other, shapeProgram(other), cells);
};

describe('the base root', () => {
  it('depends on nothing that a trainer chooses', async () => {
    const root = await baseRoot({});
    const adamw = { kind: 'adamw', beta1: '0.9', beta2: '0.99', eps: '1e-08', weightDecay: '0.1' } as const;
    const choices: Partial<RunShape>[] = [
      { lora: { rank: 2, alpha: 2, targets: ['v_proj'] } },
      { batch: 1, seqLen: 8, dataRows: 9, steps: 3, losses: 'hidden', tokenizer: '00'.repeat(32) },
      { optimizer: { ...adamw, lr: '0.1', schedule: { kind: 'linear', warmup: 1 } } },
      { widths: { ...shape.widths, activation: 18, widest: 13 }, scales: { ...shape.scales, gradient: 13 } },
    ];
    for (const choice of choices) expect(await baseRoot(choice)).toBe(root);
  });

  it('depends on the weights, the rule, and the bound of the weights', async () => {
    const [name, cells] = [...base][3];
    const changed = Uint32Array.from(cells, (cell, i) => (i === 5 ? cell + 1 : cell));
    const roots = [
      await baseRoot({}),
      await baseRoot({}, new Map([...base, [name, changed]])),
      await baseRoot({ quantisation: 'another/rule' }),
      await baseRoot({ widths: { ...shape.widths, frozen: 14 } }),
      await baseRoot({ model: { ...shape.model, rmsNormEps: '0.001' } }),
    ];
    expect(new Set(roots).size).toBe(roots.length);
  });
});

describe('the state between segments', () => {
  const program = shapeProgram(shape);
  const end = new Map([...state].map(([name, cells]) => [name.replace(/\.first$/, '.last'), cells]));

  it.each([
    ['adapterOut', 'adapterIn'],
    ['momentsOut', 'momentsIn'],
  ] as const)('has one root as %s and as %s', async (out, into) => {
    const root = await commitOracle(backend, out, shape, program, end);
    expect(root).toBe(await commitOracle(backend, into, shape, program, state));
    // of programs of other segments too
    const longer = shapeProgram(shape, [1, 1]);
    expect(root).toBe(await commitOracle(backend, out, shape, longer, end));
  });

  it('has different roots as adapter and as moments', async () => {
    const adapter = await commitOracle(backend, 'adapterIn', shape, program, state);
    expect(adapter).not.toBe(await commitOracle(backend, 'momentsIn', shape, program, state));
  });

  it('refuses cells that are missing', async () => {
    await expect(commitOracle(backend, 'adapterIn', shape, program, new Map())).rejects.toThrow(RangeError);
  });
});
