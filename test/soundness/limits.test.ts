/** Edges of what programs and proofs exist for: rows of one token, stacks of a few coefficients, sizes beyond 2^32, scales. */
import { describe, expect, it } from 'vitest';
import { foldSteps } from '../../protocol/arguments/code.ts';
import { relationBound } from '../../protocol/program/circuit.ts';
import { term, use } from '../../protocol/program/builder.ts';
import { llamaProgram } from '../../protocol/program/llama.ts';
import { axis, log2Ceil, type Tensor } from '../../protocol/program/tensors.ts';
import { refusal } from '../support/messages.ts';
import { MICRO, TEST_PARAMETERS, micro, prove, verify } from '../support/micro.ts';
import { toy } from '../support/toy.ts';

describe('rows of one token', () => {
  it('are proven, and their input is the first token alone', async () => {
    const run = await micro({ ...MICRO, seqLen: 1, batch: 2, seed: 24 });
    const { bytes } = await prove(run.instance, run.witness);
    expect(refusal(() => verify(bytes, run.instance))).toBe('accepted');
    // The label is no input of such a row: a label that changes with its cells leaves the inputs alone.
    const first = (run.cells.get('data.first') as Uint32Array).map((id) => (id + 1) % 3);
    const lie = { ...run.witness, cells: new Map([...run.cells, ['data.first', first]]) };
    const other = await prove(run.instance, lie);
    expect(refusal(() => verify(other.bytes, run.instance))).toBe('OPENING');
  });
});

describe('sizes', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 2],
    [2 ** 31, 31],
    [2 ** 31 + 1, 32],
    [2 ** 32, 32],
    [2 ** 32 + 1, 33],
    [2 ** 33, 33],
    [6_738_415_616, 33],
    [2 ** 40 + 1, 41],
  ])('%i cells have addresses of %i bits', (n, bits) => {
    expect(log2Ceil(n)).toBe(bits);
  });

  it.each([2, 3, 4, 6, 9])('a stack of 2^%i coefficients is queried at least once, and last', (logLength) => {
    const steps = foldSteps(TEST_PARAMETERS, logLength);
    expect(steps.map((s) => s.last)).toEqual(steps.map((_, i) => i === steps.length - 1));
    expect(steps[0].logLength).toBe(logLength);
    expect(steps.every((s) => s.queries > 0)).toBe(true);
  });
});

describe('bounds', () => {
  it('take the total of one factor a term: two can reach the length together', () => {
    const [j, k] = [axis('j', 8), axis('k', 8)];
    const matrix = (name: string, axes: Tensor['axes']): Tensor => ({
      kind: 'tensor',
      name,
      axes,
      parts: [],
      offset: 0n,
      min: 0n,
      max: 1n,
      lastAxisSum: 1n,
    });
    // Two unit matrices: Σ_jk a_kj·b_jk = 8.
    const product = term(1n, use(matrix('a', [k, j])), use(matrix('b', [j, k])));
    expect(relationBound({ name: 'r', domain: [], terms: [product] })).toBeGreaterThanOrEqual(8n);
    // The relation that shows the total does not rest on it.
    const alone = term(1n, use(matrix('a', [k, j])));
    expect(relationBound({ name: 'r', domain: [k], terms: [alone] })).toBe(8n);
  });
});

describe('scales and widths that do not fit together', () => {
  const { config } = toy(MICRO);
  const refused =
    (change: object): (() => unknown) =>
    () =>
      llamaProgram({ ...config, ...change });

  it('are refused with the one to change', () => {
    expect(refused({})).not.toThrow();
    expect(refused({ scales: { ...config.scales, gradient: 26 } })).toThrow(/divides by 0/);
    expect(refused({ scales: { ...config.scales, vocabulary: 26 } })).toThrow(/scale of vocabulary/);
    expect(refused({ widths: { ...config.widths, gate: 27 } })).toThrow(/width of gate/);
    expect(refused({ widths: { ...config.widths, widest: 27 } })).toThrow(/width of widest/);
  });
});
