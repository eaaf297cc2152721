/** Public tensors of the program: rotary embeddings and the causal mask's complement. */
import type { Axes } from './context.ts';
import type { ProgramConfig } from './config.ts';
import { ropeTables } from './rope.ts';
import type { PublicTensor } from './tensors.ts';

/**
 * R[token, freq, half, halfIn]: the rotation that takes (x[0], x[1]) to (x[0]·cos − x[1]·sin, x[1]·cos + x[0]·sin)
 * (Hugging Face's half rotation), at scale 2^14; for queries 2²/√headDim is folded in.
 */
export function ropeMatrix(config: ProgramConfig, x: Axes, which: 'query' | 'key'): PublicTensor {
  const tables = ropeTables(Number(config.model.ropeTheta), config.model.headDim, config.seqLen);
  const [cos, sin] = which === 'query' ? [tables.cosQ, tables.sinQ] : [tables.cos, tables.sin];
  const values = new Int32Array(cos.length * 4);
  cos.forEach((c, i) => values.set([c, -sin[i], sin[i], c], 4 * i));
  const max = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return { kind: 'public', name: `rope_${which}`, axes: [x.token, x.freq, x.half, x.halfIn], values, max: BigInt(max) };
}

/** [token, key]: 1 where key > token. */
export function anticausal(x: Axes): PublicTensor {
  const n = x.token.size;
  const values = new Int32Array(n * n);
  for (let i = 0; i < n; i++) values.fill(1, i * n + i + 1, (i + 1) * n);
  return { kind: 'public', name: 'anticausal', axes: [x.token, x.key], values, max: 1n };
}
