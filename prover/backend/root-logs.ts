import { P, inverse, mul, rootOfUnity } from '../../protocol/field.ts';

/** Points as powers of one root of unity: points[k] = rootOfUnity(logOrder)^indices[k], indices below 2^logOrder. */
export interface RootPowers {
  readonly logOrder: number;
  readonly indices: readonly number[];
}

/** log₂ of a point's order where that is a power of two up to 2^most, else null. */
function logOrderOf(point: bigint, most: number): number | null {
  for (let log = 0, power = point; log <= most; log++, power = mul(power, power)) if (power === 1n) return log;
  return null;
}

/** The points as powers of one root of unity of order 2^most or less, or null where one of them is none. */
export function rootPowers(points: readonly bigint[], most: number): RootPowers | null {
  let logOrder = 0;
  for (const point of points) {
    const log = logOrderOf(point, most);
    if (log === null) return null;
    logOrder = Math.max(logOrder, log);
  }
  // inverses[b] = ω^(−2^b)
  const inverses = [inverse(rootOfUnity(logOrder))];
  while (inverses.length < logOrder) inverses.push(mul(inverses[inverses.length - 1], inverses[inverses.length - 1]));
  const indices = points.map((point) => {
    // Pohlig and Hellman: what is left is ω^(2^b·…); its bit b is set iff its 2^(n−1−b)-th power is −1.
    let index = 0;
    for (let b = 0, left = point; b < logOrder; b++) {
      let power = left;
      for (let s = b + 1; s < logOrder; s++) power = mul(power, power);
      if (power === P - 1n) {
        index += 2 ** b;
        left = mul(left, inverses[b]);
      }
    }
    return index;
  });
  return { logOrder, indices };
}
