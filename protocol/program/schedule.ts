/**
 * The optimiser's constants of every step as integers, from the declared decimals by big-integer arithmetic alone.
 *
 * Reals are held at 128 fraction bits, cut downwards; each constant is the nearest integer (halves up) of that value. So a
 * constant is exactly the rounded real for constant and linear schedules under SGD, and otherwise differs from it only
 * where the real lies within 2^-60 of a half. The constants are what this file computes: prover and verifier run it both.
 */
import type { AdamwStep, OptimizerSpec, OptimizerSteps, ScheduleSpec } from './config.ts';
import { BITS, ONE, cosSin, isqrt } from './fixedpoint.ts';
import { parseDecimal, roundDecimal, roundDivide } from './numbers.ts';

/** Most steps a run may have: powers of β keep more than 90 exact bits. */
export const MAX_STEPS = 2 ** 32;

/**
 * Constants of the steps first … first + count − 1 of a run.
 *
 * @param spec as declared: 0 ≤ β < 1
 * @param total steps of the whole run, for the schedule, at most 2^32
 * @param first from 0; Adam's bias corrections count t = step + 1
 * @param count number of steps
 * @throws RangeError for a specification or a range of steps outside these bounds
 */
export function optimizerSteps(spec: OptimizerSpec, total: number, first: number, count: number): OptimizerSteps {
  if (!Number.isInteger(total) || total < 1 || total > MAX_STEPS)
    throw new RangeError(`a run has 1 to ${MAX_STEPS} steps, not ${total}`);
  if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1 || first + count > total)
    throw new RangeError(`steps ${first} to ${first + count - 1} are not in a run of ${total} steps`);
  const { warmup } = spec.schedule;
  if (!Number.isInteger(warmup) || warmup < 0 || warmup > total)
    throw new RangeError(`the warm-up has ${warmup} of the run's ${total} steps`);
  const steps = Array.from({ length: count }, (_, i) => first + i);
  if (spec.kind === 'sgd') {
    const momentum = roundDecimal(below1(spec.momentum, 'momentum'), 16);
    return { kind: 'sgd', momentum, steps: steps.map((k) => ({ rate: round(learningRate(spec, total, k), 24) })) };
  }
  const beta1 = oneMinus(below1(spec.beta1, 'beta1'), 16);
  const beta2 = oneMinus(below1(spec.beta2, 'beta2'), 20);
  return { kind: 'adamw', beta1, beta2, steps: steps.map((k) => adamwStep(spec, total, k)) };
}

function adamwStep(spec: OptimizerSpec & { kind: 'adamw' }, total: number, k: number): AdamwStep {
  const rate = learningRate(spec, total, k);
  const root = isqrt((ONE - power(spec.beta2, k + 1)) << BITS);
  const corrected = (rate * root) / (ONE - power(spec.beta1, k + 1));
  const epsilon = round((real(spec.eps) * root) >> BITS, 27);
  const decay = round((rate * real(spec.weightDecay)) >> BITS, 24);
  return { rate: round(corrected, 27), epsilon: epsilon > 1n ? epsilon : 1n, decay };
}

/**
 * lr of step k (from 0) at 128 fraction bits, by the schedules of Hugging Face's transformers: k/warmup while warming up;
 * then 1, or from 1 down to 0 at the run's end along a line or half a cosine.
 */
function learningRate(spec: OptimizerSpec, total: number, k: number): bigint {
  const { numerator, denominator } = parseDecimal(spec.lr);
  const { schedule } = spec;
  if (k >= schedule.warmup && schedule.kind === 'cosine') {
    const factor = halfCosine(BigInt(k - schedule.warmup), BigInt(total - schedule.warmup));
    return (numerator * factor) / denominator;
  }
  const [over, under] = linearFactor(schedule, total, k);
  return ((numerator * over) << BITS) / (denominator * under);
}

function linearFactor({ kind, warmup }: ScheduleSpec, total: number, k: number): [bigint, bigint] {
  if (k < warmup) return [BigInt(k), BigInt(warmup)];
  return kind === 'linear' ? [BigInt(total - k), BigInt(total - warmup)] : [1n, 1n];
}

/** (1 + cos(π·n/d)) / 2 = cos²(π·n/2d) for 0 ≤ n ≤ d. */
function halfCosine(n: bigint, d: bigint): bigint {
  const [cos] = cosSin((pi() * n) / (4n * d));
  const doubled = ((2n * cos * cos) >> BITS) - ONE;
  return (doubled * doubled) >> BITS;
}

/** π = 16·arctan(1/5) − 4·arctan(1/239) (Machin), computed with 16 guard bits. */
function pi(): bigint {
  const unit = ONE << 16n;
  return (16n * arctanInverse(5n, unit) - 4n * arctanInverse(239n, unit)) >> 16n;
}

/** unit·arctan(1/n). */
function arctanInverse(n: bigint, unit: bigint): bigint {
  let sum = 0n;
  let term = unit / n;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? term / k : -(term / k);
    term /= n * n;
  }
  return sum;
}

/** βᵗ by squaring; each squaring doubles the error, which stays below 4t ulps. */
function power(beta: string, t: number): bigint {
  let result = ONE;
  let square = real(beta);
  for (let left = t; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square) >> BITS;
    square = (square * square) >> BITS;
  }
  return result;
}

/** A decimal at 128 fraction bits. */
function real(text: string): bigint {
  const { numerator, denominator } = parseDecimal(text);
  return (numerator << BITS) / denominator;
}

/** The nearest integer to x·2^scale, halves up. */
function round(x: bigint, scale: number): bigint {
  return roundDivide(x << BigInt(scale), ONE);
}

/** round((1 − x)·2^scale). */
function oneMinus(text: string, scale: number): bigint {
  const { numerator, denominator } = parseDecimal(text);
  return roundDivide((denominator - numerator) << BigInt(scale), denominator);
}

function below1(text: string, name: string): string {
  const { numerator, denominator } = parseDecimal(text);
  if (numerator >= denominator) throw new RangeError(`${name} is ${text}; it must be below 1`);
  return text;
}
