import { describe, expect, it } from 'vitest';
import type { OptimizerSpec, ScheduleSpec } from '../../protocol/program/config.ts';
import { MAX_STEPS, optimizerSteps } from '../../protocol/program/schedule.ts';

const constant: ScheduleSpec = { kind: 'constant', warmup: 0 };
const sgd = (lr: string, schedule = constant): OptimizerSpec => ({ kind: 'sgd', lr, momentum: '0.9', schedule });
const adamw = (schedule = constant, more: Partial<OptimizerSpec & { kind: 'adamw' }> = {}): OptimizerSpec => {
  const defaults = { lr: '0.001', beta1: '0.9', beta2: '0.999', eps: '1e-08', weightDecay: '0.01' };
  return { kind: 'adamw', ...defaults, ...more, schedule };
};

/** The schedule's factor in float64. */
function factor({ kind, warmup }: ScheduleSpec, total: number, k: number): number {
  if (k < warmup) return k / warmup;
  const x = (k - warmup) / (total - warmup);
  return { constant: 1, linear: 1 - x, cosine: (1 + Math.cos(Math.PI * x)) / 2 }[kind];
}

const schedules: ScheduleSpec[] = (['constant', 'linear', 'cosine'] as const).flatMap((kind) => [
  { kind, warmup: 0 },
  { kind, warmup: 7 },
]);

describe.each(schedules)('$kind after a warm-up of $warmup steps', (schedule) => {
  const total = 60;

  it('rounds the learning rate of SGD', () => {
    const o = optimizerSteps(sgd('0.1', schedule), total, 0, total);
    if (o.kind !== 'sgd') throw new Error('not SGD');
    expect(o.momentum).toBe(58982n);
    expect(o.steps).toHaveLength(total);
    o.steps.forEach(({ rate }, k) =>
      expect(Math.abs(Number(rate) - 0.1 * factor(schedule, total, k) * 2 ** 24)).toBeLessThan(0.5 + 1e-6),
    );
  });

  it("rounds AdamW's rate, epsilon and decay", () => {
    const o = optimizerSteps(adamw(schedule, { eps: '1e-05' }), total, 0, total);
    if (o.kind !== 'adamw') throw new Error('not AdamW');
    expect([o.beta1, o.beta2]).toEqual([6554n, 1049n]);
    o.steps.forEach((step, k) => {
      const lr = 0.001 * factor(schedule, total, k);
      const root = Math.sqrt(1 - 0.999 ** (k + 1));
      const near = (integer: bigint, real: number): void =>
        expect(Math.abs(Number(integer) - real)).toBeLessThan(0.5 + 1e-6);
      near(step.rate, (lr * root * 2 ** 27) / (1 - 0.9 ** (k + 1)));
      near(step.epsilon, Math.max(1, 1e-5 * root * 2 ** 27));
      near(step.decay, lr * 0.01 * 2 ** 24);
    });
  });
});

describe('the constants of a segment', () => {
  it('are a part of those of the whole run', () => {
    const spec = adamw({ kind: 'cosine', warmup: 3 });
    expect(optimizerSteps(spec, 32, 8, 4).steps).toEqual(optimizerSteps(spec, 32, 0, 32).steps.slice(8, 12));
  });

  it('stay exact late in a long run', () => {
    const spec = adamw(constant, { beta1: '0', beta2: '0.99999' });
    const [step] = optimizerSteps(spec, MAX_STEPS, 999_999, 1).steps;
    expect(step.rate).toBe(BigInt(Math.round(0.001 * Math.sqrt(1 - 0.99999 ** 1e6) * 2 ** 27)));
  });

  it('round halves up and keep epsilon positive', () => {
    // 2^-25 at scale 2^24 is one half
    expect(optimizerSteps(sgd('2.98023223876953125e-08'), 1, 0, 1).steps).toEqual([{ rate: 1n }]);
    expect(optimizerSteps(sgd('2.98023223876953124e-08'), 1, 0, 1).steps).toEqual([{ rate: 0n }]);
    expect(optimizerSteps(adamw(constant, { eps: '0' }), 1, 0, 1).steps[0]).toMatchObject({ epsilon: 1n });
  });

  it('begin a warm-up at zero and end a decay just above it', () => {
    const rates = (kind: 'linear' | 'cosine') =>
      optimizerSteps(sgd('1', { kind, warmup: 2 }), 6, 0, 6).steps.map((s) => Number(s.rate) / 2 ** 24);
    expect(rates('linear')).toEqual([0, 0.5, 1, 0.75, 0.5, 0.25]);
    const cosine = rates('cosine');
    expect(cosine.slice(0, 3)).toEqual([0, 0.5, 1]);
    expect(cosine[4]).toBe(0.5);
    expect(cosine[5]).toBeCloseTo(0.146447, 6);
  });

  it.each([
    ['momentum of 1', () => optimizerSteps({ ...sgd('0.1'), momentum: '1' } as OptimizerSpec, 4, 0, 4)],
    ['beta2 above 1', () => optimizerSteps(adamw(constant, { beta2: '1.5' }), 4, 0, 4)],
    ['a negative rate', () => optimizerSteps(sgd('-0.1'), 4, 0, 4)],
    ['steps beyond the run', () => optimizerSteps(sgd('0.1'), 4, 2, 4)],
    ['too many steps', () => optimizerSteps(sgd('0.1'), MAX_STEPS + 1, 0, 4)],
    ['a warm-up longer than the run', () => optimizerSteps(sgd('0.1', { kind: 'linear', warmup: 5 }), 4, 0, 4)],
  ])('refuse %s', (_, make) => {
    expect(make).toThrow(RangeError);
  });
});
