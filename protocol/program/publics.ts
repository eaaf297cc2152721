/** Public tensors of the program: rotary embeddings and the causal mask's complement. */
import { ONE, ZERO, add, mul, sub, type Ext } from '../extension.ts';
import { eqPoints } from '../multilinear.ts';
import type { Axes } from './context.ts';
import type { ProgramConfig } from './config.ts';
import { ROPE_BITS, ropeQueryUnit, ropeTables } from './rope.ts';
import type { PublicTensor } from './tensors.ts';

/**
 * R[token, freq, half, halfIn]: the rotation that takes (x[0], x[1]) to (x[0]·cos − x[1]·sin, x[1]·cos + x[0]·sin)
 * (Hugging Face's half rotation), at scale 2^14; for queries 2²/√headDim is folded in.
 */
export function ropeMatrix(config: ProgramConfig, x: Axes, which: 'query' | 'key'): PublicTensor {
  const { headDim, ropeTheta } = config.model;
  let values: Int32Array | undefined;
  const compute = (): Int32Array => {
    const tables = ropeTables(ropeTheta, headDim, config.seqLen);
    const [cos, sin] = which === 'query' ? [tables.cosQ, tables.sinQ] : [tables.cos, tables.sin];
    const out = new Int32Array(cos.length * 4);
    for (let i = 0; i < cos.length; i++) {
      out[4 * i] = cos[i];
      out[4 * i + 1] = -sin[i];
      out[4 * i + 2] = sin[i];
      out[4 * i + 3] = cos[i];
    }
    return out;
  };
  return {
    kind: 'public',
    name: `rope_${which}`,
    axes: [x.token, x.freq, x.half, x.halfIn],
    // The largest entries are the cosines of position 0.
    max: BigInt(which === 'query' ? ropeQueryUnit(headDim) : 2 ** ROPE_BITS),
    get values() {
      return (values ??= compute());
    },
  };
}

/** [token, key]: 1 where key > token. Only a prover asks for its values, which are seqLen² many. */
export function anticausal(x: Axes): PublicTensor {
  const n = x.token.size;
  let values: Int32Array | undefined;
  return {
    kind: 'public',
    name: 'anticausal',
    axes: [x.token, x.key],
    max: 1n,
    get values() {
      if (values === undefined) {
        values = new Int32Array(n * n);
        for (let i = 0; i < n; i++) values.fill(1, i * n + i + 1, (i + 1) * n);
      }
      return values;
    },
    extension: ([token, key]) => above(token, key),
  };
}

/** Extension of (key > token), from the lowest bit up; both axes are powers of two. */
function above(token: readonly Ext[], key: readonly Ext[]): Ext {
  return token.reduce<Ext>((so, i, k) => add(mul(eqPoints([i], [key[k]]), so), mul(key[k], sub(ONE, i))), ZERO);
}
