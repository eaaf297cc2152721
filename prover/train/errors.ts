/** What can go wrong while a model trains. */
import type { Widths } from '../../protocol/program/config.ts';
import { ProverError } from '../errors.ts';

/** The entry that left its range: where it is, what it was, what was declared. */
export interface OverflowPlace {
  readonly tensor: string;
  /** Layer from 0; null for a tensor without layers. */
  readonly layer: number | null;
  /** Step of the segment from 0. */
  readonly step: number;
  /** Index along every axis of the tensor, in its order. */
  readonly index: readonly number[];
  readonly value: bigint;
  readonly min: bigint;
  readonly max: bigint;
}

/** A value left the range that the program declares for its tensor: training stops, since integers never wrap. */
export class RangeOverflowError extends ProverError {
  readonly place: OverflowPlace;
  /** The width of the configuration that declares the range; null where the range is part of the protocol. */
  readonly width: keyof Widths | null;

  constructor(place: OverflowPlace) {
    const width = widthOf(place.tensor);
    const layer = place.layer === null ? '' : ` of layer ${place.layer}`;
    super(
      `${place.tensor}${layer} at step ${place.step} of the segment, index [${place.index.join(', ')}], ` +
        `is ${place.value}; its range is [${place.min}, ${place.max}]`,
      width === null
        ? 'This range is fixed. Lower the learning rate, or alpha, and train again.'
        : `Raise widths.${width} in the configuration, or lower the learning rate, and train again.`,
    );
    this.place = place;
    this.width = width;
  }
}

/** Names of tensors by the width that declares their range; the first match counts. */
const WIDTHS: readonly [RegExp, keyof Widths | null][] = [
  [/\.(rem|corem)$/, null],
  [/^(x|x_mid)$/, 'residual'],
  [/^(gate|silu)$/, 'gate'],
  [/^(attention\.key|logit\.shifted)$/, 'spread'],
  [/^(score|logit|attention\.mu|logit\.mu)$/, 'score'],
  [/\.grad_(A|A_hat|B)$/, 'weightGradient'],
  [/^d_|\.dz$|_back\.[ce]$/, 'gradient'],
  [/\.(hat|z|a_work|b_work)$|^(q|k|v|q_rope|k_rope|attended|up|swiglu)$/, 'activation'],
  [/^base\./, 'frozen'],
];

/** The width that declares a tensor's range, by the tensor's name; null where no width does. */
export function widthOf(tensor: string): keyof Widths | null {
  return WIDTHS.find(([pattern]) => pattern.test(tensor))?.[1] ?? null;
}

/** An engine was called out of order, or with data that do not fit its program. */
export class EngineError extends ProverError {
  constructor(message: string, next = 'Begin the segment again with the data that belong to it.') {
    super(message, next);
  }
}

/** A run folder lacks what it should hold, or holds something else. */
export class RunFolderError extends ProverError {
  readonly file: string;
  readonly problem: string;

  constructor(
    file: string,
    problem: string,
    next = 'Restore the run folder from a copy, or train again into a new one.',
  ) {
    super(`${file}: ${problem}`, next);
    this.file = file;
    this.problem = problem;
  }
}

/** The configuration of a run cannot be used. */
export class RunConfigError extends ProverError {
  constructor(
    message: string,
    next = 'Correct the option or the configuration file; ./zklora train --help lists them.',
  ) {
    super(message, next);
  }
}
