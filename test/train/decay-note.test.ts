/** The note on weight decay says what the integers do. */
import { expect, test } from 'vitest';

import { optimizerSteps } from '../../protocol/program/schedule.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { decayNote } from '../../prover/train/decay-note.ts';

const adamw = (lr: string, weightDecay: string): RunSpec['optimizer'] => {
  const schedule = { kind: 'constant', warmup: 0 } as const;
  return { kind: 'adamw', lr, beta1: '0.9', beta2: '0.999', eps: '1e-8', weightDecay, schedule };
};

/** By how much a weight at scale 2^22 decays in the program. */
function decayOf(weight: number, lr: string, weightDecay: string): bigint {
  const steps = optimizerSteps(adamw(lr, weightDecay), 10, 3, 1);
  if (steps.kind !== 'adamw') throw new Error('the optimiser is AdamW');
  return (BigInt(Math.round(weight * 2 ** 22)) * steps.steps[0].decay + (1n << 23n)) >> 24n;
}

test.each([
  ['1e-3', '0.01', '0.012'],
  ['2e-4', '0.01', '0.059'],
  ['1e-3', '0.1', '0.0012'],
])('lr %s, weight decay %s: no weight below %s decays', (lr, weightDecay, least) => {
  expect(decayNote(adamw(lr, weightDecay))).toContain(`no weight below ${least} decays`);
  expect(decayOf(Number(least) * 0.95, lr, weightDecay)).toBe(0n);
  expect(decayOf(Number(least) * 1.05, lr, weightDecay)).toBe(1n);
});

test('a decay that rounds to nothing at all', () => {
  expect(decayNote(adamw('1e-6', '0.01'))).toContain('no weight decays');
  expect(decayOf(100, '1e-6', '0.01')).toBe(0n);
});

test('nothing where it works, or where none is asked for', () => {
  expect(decayNote(adamw('1e-2', '0.1'))).toBeNull();
  expect(decayOf(0.001, '1e-2', '0.1')).toBeGreaterThan(0n);
  expect(decayNote(adamw('1e-3', '0'))).toBeNull();
  expect(decayNote({ kind: 'sgd', lr: '0.1', momentum: '0.9', schedule: { kind: 'constant', warmup: 0 } })).toBeNull();
});
