/** Exact integer helpers of the program's constants. */

/** A non-negative decimal such as "0.001" or "1e-05" as a fraction. @throws RangeError for anything else. */
export function parseDecimal(text: string): { numerator: bigint; denominator: bigint } {
  const match = /^(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not a non-negative decimal number`);
  const fraction = match[2] ?? '';
  const exponent = Number(match[3] ?? '0') - fraction.length;
  const digits = BigInt(match[1] + fraction);
  return exponent >= 0
    ? { numerator: digits * 10n ** BigInt(exponent), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-exponent) };
}

/** round(numerator/denominator), halves up; denominator > 0. */
export function roundDivide(numerator: bigint, denominator: bigint): bigint {
  const doubled = 2n * numerator + denominator;
  const q = doubled / (2n * denominator);
  return doubled < 0n && q * 2n * denominator !== doubled ? q - 1n : q;
}

/** round(x·2^scale) of a decimal. */
export function roundDecimal(text: string, scale: number): bigint {
  const { numerator, denominator } = parseDecimal(text);
  return roundDivide(numerator << BigInt(scale), denominator);
}
