import { add, mul, rootOfUnity, sub } from '../../protocol/field.ts';

/**
 * Values of a polynomial on a subgroup: out[j] = Σ_i coefficients[i]·ω^(ij), ω = rootOfUnity(logSize).
 * @param coefficients at most 2^logSize elements of F_p; missing ones are zero.
 */
export function evaluateOnSubgroup(coefficients: readonly bigint[], logSize: number): bigint[] {
  const root = rootOfUnity(logSize);
  const powers = [1n];
  while (powers.length < 2 ** logSize / 2) powers.push(mul(powers[powers.length - 1], root));
  // f(x) = even(x²) + x·odd(x²); at −x = ω^(j + n/2) the odd part changes its sign.
  const evaluate = (start: number, stride: number, size: number): bigint[] => {
    if (size === 1) return [coefficients[start] ?? 0n];
    const half = size / 2;
    const even = evaluate(start, 2 * stride, half);
    const odd = evaluate(start + stride, 2 * stride, half).map((y, j) => mul(powers[j * stride], y));
    return [...even.map((e, j) => add(e, odd[j])), ...even.map((e, j) => sub(e, odd[j]))];
  };
  return evaluate(0, 1, 2 ** logSize);
}
