/**
 * What the verifier of an argument may do with a value that it read: linear operations, products, assertions. The arguments
 * are written over an abstract value type, so that the same code checks a transparent proof (values are field elements) and,
 * over masked values, yields the constraints that a hiding proof shows.
 */
import { add, isZero, mul, sub, type Ext } from './extension.ts';
import { VerificationError } from './errors.ts';
import type { ProofReader } from './channel.ts';

export interface Values<V> {
  constant(value: Ext): V;
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  /** Product with a public factor. */
  scale(a: V, factor: Ext): V;
  mul(a: V, b: V): V;
}

/** Values are field elements: the prover's side, and a transparent verifier's. */
export const PLAIN: Values<Ext> = { constant: (value) => value, add, sub, scale: mul, mul };

export interface VerifierContext<V> extends Values<V> {
  readonly reader: ProofReader;
  /** Reads and absorbs a value of the proof. */
  read(label: string): V;
  assertZero(value: V, code: string, argument: string, round?: number): void;
  /** The value as the code-based opening needs it. */
  expose(value: V): Ext;
}

/** Values are the field elements of a transparent proof. */
export class TransparentContext implements VerifierContext<Ext> {
  readonly reader: ProofReader;

  constructor(reader: ProofReader) {
    this.reader = reader;
  }

  read(label: string): Ext {
    return this.reader.element(label);
  }

  constant(value: Ext): Ext {
    return value;
  }

  add(a: Ext, b: Ext): Ext {
    return add(a, b);
  }

  sub(a: Ext, b: Ext): Ext {
    return sub(a, b);
  }

  scale(a: Ext, factor: Ext): Ext {
    return mul(a, factor);
  }

  mul(a: Ext, b: Ext): Ext {
    return mul(a, b);
  }

  assertZero(value: Ext, code: string, argument: string, round?: number): void {
    if (isZero(value)) return;
    const at = round === undefined ? '' : ` in round ${round}`;
    throw new VerificationError(code, `${argument}: the check ${code} failed${at}`, {
      argument,
      ...(round === undefined ? {} : { round }),
      expected: '0',
      actual: value.join(','),
    });
  }

  expose(value: Ext): Ext {
    return value;
  }
}

/** Σ coefs·values. */
export function combine<V>(ctx: Values<V>, values: readonly V[], coefs: readonly Ext[]): V {
  return values.reduce((s, v, i) => ctx.add(s, ctx.scale(v, coefs[i])), ctx.constant([0n, 0n]));
}
