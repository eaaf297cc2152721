/** Public tensors: closed forms equal the extensions of their values. */
import { describe, expect, it } from 'vitest';
import { publicValue } from '../../protocol/arguments/plan.ts';
import type { Ext } from '../../protocol/extension.ts';
import { makeAxes } from '../../protocol/program/context.ts';
import { anticausal } from '../../protocol/program/publics.ts';
import { Transcript } from '../../protocol/transcript.ts';
import { MICRO } from '../support/micro.ts';
import { toy } from '../support/toy.ts';

describe('the complement of the causal mask', () => {
  it.each([1, 2, 8, 16])('over %i tokens', (seqLen) => {
    const { config } = toy({ ...MICRO, seqLen: 2 });
    const tensor = anticausal(makeAxes({ ...config, seqLen }));
    const bits = Math.log2(seqLen);
    const transcript = new Transcript();
    const point = (): Ext[] => Array.from({ length: bits }, () => transcript.challenge('point'));
    const weights = [point(), point()].map((coords) => ({ kind: 'point', coords }) as const);
    const { extension, ...table } = tensor;
    expect(extension).toBeDefined();
    expect(tensor.values.reduce((n, v) => n + v, 0)).toBe((seqLen * (seqLen - 1)) / 2);
    expect(publicValue(tensor, weights)).toEqual(publicValue({ ...table, values: tensor.values }, weights));
  });
});
