/** The prover of protocol/arguments/onehot.ts; few variables, so it runs on the host. */
import { ONE, ZERO, add, lift, mul, powers, sub, type Ext } from '../../protocol/extension.ts';
import { PLAIN } from '../../protocol/context.ts';
import type { ProofWriter } from '../../protocol/channel.ts';
import {
  BIT_LABEL,
  ROUND_LABEL,
  bitClaim,
  bitFactor,
  tensorsOf,
  tokenVariables,
} from '../../protocol/arguments/onehot.ts';
import type { OneHotClaim } from '../../protocol/arguments/relations.ts';
import { roundMessage } from '../../protocol/arguments/sumcheck.ts';
import type { Circuit } from '../../protocol/program/circuit.ts';
import { weightVector, type Claim } from '../../protocol/program/weights.ts';
import type { AxisWeight } from '../../protocol/program/weights.ts';
import type { OneHotTensor } from '../../protocol/program/tensors.ts';
import type { TokenIds } from './factors.ts';

const fold = (table: readonly Ext[], r: Ext): Ext[] =>
  Array.from({ length: table.length / 2 }, (_, i) => {
    const low = table[2 * i];
    return add(low, mul(r, sub(table[2 * i + 1], low)));
  });

/** Weights of every token, index bits in the sumcheck's order (the last token axis lowest). */
function tokenTable(tensor: OneHotTensor, tokens: readonly AxisWeight[], coef: Ext): Ext[] {
  return tensor.axes.slice(0, -1).reduce<Ext[]>(
    (out, axis, i) => {
      const vector = weightVector(axis, tokens[i]);
      return out.flatMap((w) => vector.map((v) => mul(w, v)));
    },
    [coef],
  );
}

/** Sum over pairs of weight·Π (zero + slope·bit) at X = 0 … degree. */
function roundValues(
  claims: readonly { weights: Ext[]; bits: Ext[][]; vocab: readonly Ext[] }[],
  degree: number,
): Ext[] {
  const out = new Array<Ext>(degree + 1).fill(ZERO);
  for (const { weights, bits, vocab } of claims) {
    const factors = vocab.map(bitFactor);
    for (let i = 0; i < weights.length; i += 2) {
      let w = weights[i];
      const dw = sub(weights[i + 1], w);
      const steps = bits.map((b, k) => {
        const { zero, slope } = factors[k];
        const low = b[i];
        return { value: add(zero, mul(slope, low)), step: mul(slope, sub(b[i + 1], low)) };
      });
      for (let x = 0; x <= degree; x++) {
        out[x] = add(
          out[x],
          steps.reduce((s, f) => mul(s, f.value), w),
        );
        w = add(w, dw);
        for (const f of steps) f.value = add(f.value, f.step);
      }
    }
  }
  return out;
}

export function proveOneHot(
  writer: ProofWriter,
  circuit: Circuit,
  claims: readonly OneHotClaim<Ext>[],
  tokens: TokenIds,
): Claim<Ext>[] {
  const [first] = claims;
  if (first === undefined) return [];
  const rounds = tokenVariables(first.tensor).reduce((n, v) => n + v.bits, 0);
  const coefs = powers(writer.challenge('onehot.batch'), claims.length);
  const width = first.vocab.length;
  const tensors = tensorsOf(claims);
  const bits = new Map(
    tensors.map((t) => {
      const ids = tokens.get(t.name) as Int32Array;
      return [t.name, Array.from({ length: width }, (_, k) => Array.from(ids, (id) => lift(BigInt((id >> k) & 1))))];
    }),
  );
  let tables = claims.map((c, i) => tokenTable(c.tensor, c.tokens, coefs[i]));
  const r: Ext[] = [];
  for (let round = 0; round < rounds; round++) {
    const state = claims.map((c, i) => ({
      weights: tables[i],
      bits: bits.get(c.tensor.name) as Ext[][],
      vocab: c.vocab,
    }));
    writer.elements(ROUND_LABEL, roundMessage(roundValues(state, width + 1)));
    const challenge = writer.challenge(ROUND_LABEL);
    r.push(challenge);
    tables = tables.map((t) => fold(t, challenge));
    for (const [name, list] of bits)
      bits.set(
        name,
        list.map((b) => fold(b, challenge)),
      );
  }
  const finals = tensors.map((t) => (bits.get(t.name) as Ext[][]).map((b) => b[0] ?? ONE));
  for (const values of finals) writer.elements(BIT_LABEL, values);
  return tensors.map((t, i) => bitClaim(PLAIN, circuit, t, r, finals[i], writer.challenge('onehot.bits')));
}
