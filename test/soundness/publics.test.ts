/** Public tensors: closed forms equal the extensions of their values. */
import { describe, expect, it } from 'vitest';
import { publicValue } from '../../protocol/arguments/plan.ts';
import { ZERO, add, lift, mul, type Ext } from '../../protocol/extension.ts';
import { makeAxes } from '../../protocol/program/context.ts';
import { anticausal, ropeMatrix } from '../../protocol/program/publics.ts';
import { weightVector } from '../../protocol/program/weights.ts';
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

describe('the rotary matrices', () => {
  it.each([
    [1, 2],
    [4, 6],
    [16, 8],
    [32, 64],
  ])('over %i tokens of heads of %i', (seqLen, headDim) => {
    const { config } = toy({ ...MICRO, seqLen: 2 });
    const own = { ...config, seqLen, model: { ...config.model, headDim } };
    const transcript = new Transcript();
    for (const which of ['query', 'key'] as const) {
      const tensor = ropeMatrix(own, makeAxes(own), which);
      expect(Number(tensor.max)).toBe(tensor.values.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
      const weights = tensor.axes.map((axis) => {
        const bits = Math.ceil(Math.log2(axis.size));
        return { kind: 'point', coords: Array.from({ length: bits }, () => transcript.challenge('point')) } as const;
      });
      const vectors = tensor.axes.map((axis, i) => weightVector(axis, weights[i]));
      const products = vectors.reduce<Ext[]>((out, v) => out.flatMap((x) => v.map((y) => mul(x, y))), [lift(1n)]);
      const expected = products.reduce((s, w, i) => add(s, mul(w, lift(BigInt(tensor.values[i])))), ZERO);
      expect(publicValue(tensor, weights)).toEqual(expected);
    }
  });
});
