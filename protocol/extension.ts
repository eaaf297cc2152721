/**
 * The challenge field F_p² = F_p[X]/(X² − 7). An element a + bX is the pair [a, b] of canonical bigints.
 */
import { P, add as fadd, sub as fsub, inverse as finverse } from './field.ts';

export type Ext = readonly [bigint, bigint];

/** X² in F_p²; 7 is a generator of F_p*, hence no square. */
export const NON_RESIDUE = 7n;

export const ZERO: Ext = [0n, 0n];
export const ONE: Ext = [1n, 0n];
export const HALF: Ext = [(P + 1n) / 2n, 0n];

/** Embeds any bigint, reduced mod p. */
export function lift(a: bigint): Ext {
  const r = a % P;
  return [r < 0n ? r + P : r, 0n];
}

export function add(a: Ext, b: Ext): Ext {
  return [fadd(a[0], b[0]), fadd(a[1], b[1])];
}

export function sub(a: Ext, b: Ext): Ext {
  return [fsub(a[0], b[0]), fsub(a[1], b[1])];
}

export function neg(a: Ext): Ext {
  return [fsub(0n, a[0]), fsub(0n, a[1])];
}

export function mul(a: Ext, b: Ext): Ext {
  return [(a[0] * b[0] + NON_RESIDUE * (a[1] * b[1])) % P, (a[0] * b[1] + a[1] * b[0]) % P];
}

/** Product with a base-field element. */
export function scale(a: Ext, s: bigint): Ext {
  return [(a[0] * s) % P, (a[1] * s) % P];
}

export function square(a: Ext): Ext {
  return mul(a, a);
}

/** @throws RangeError for zero. */
export function inverse(a: Ext): Ext {
  const norm = (a[0] * a[0] - NON_RESIDUE * (a[1] * a[1])) % P;
  const i = finverse(norm < 0n ? norm + P : norm);
  return [(a[0] * i) % P, (fsub(0n, a[1]) * i) % P];
}

export function equals(a: Ext, b: Ext): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function isZero(a: Ext): boolean {
  return a[0] === 0n && a[1] === 0n;
}

export function pow(base: Ext, exponent: number): Ext {
  let result = ONE;
  for (let b = base, e = exponent; e > 0; e = Math.floor(e / 2), b = mul(b, b))
    if (e % 2 === 1) result = mul(result, b);
  return result;
}

/** [1, a, a², …], `count` of them. */
export function powers(a: Ext, count: number): Ext[] {
  const out: Ext[] = [];
  for (let i = 0, x = ONE; i < count; i++, x = mul(x, a)) out.push(x);
  return out;
}
