/**
 * The verifier without its checks: it goes its whole way through any bytes behind a statement, so that what it reads and does
 * for shapes that nobody proves here can be seen. Every step of its work is there; only the verdicts are not.
 */
import { P } from '../../protocol/field.ts';
import { proofHeader } from '../../protocol/instance.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { proofSizeBound } from '../../protocol/size.ts';
import type { Statement } from '../../protocol/statement.ts';
import type { VerifiedProof, VerifyOptions } from '../../protocol/verify.ts';
import { mutant, type Mutation } from './mutant.ts';

const WITHOUT_CHECKS: readonly Mutation[] = [
  { file: 'context.ts', from: 'if (isZero(value)) return;', to: 'if (isZero(value) || true) return;' },
  { file: 'channel.ts', from: 'leadingZeros(this.transcript.grindDigest(nonce)) < bits', to: 'false' },
  { file: 'channel.ts', from: 'if (bits === 0 && nonce.some((b) => b !== 0))', to: 'if (false)' },
  { file: 'channel.ts', from: 'if (this.#at !== this.#bytes.length)', to: 'if (false)' },
  { file: 'verify.ts', from: 'if (expected === null || !equalBytes(expected, actual))', to: 'if (false)' },
  { file: 'merkle.ts', from: 'if (checkDigest(root).some((byte, i) => byte !== digests[0][i]))', to: 'if (false)' },
  { file: 'arguments/code.ts', from: 'if (!equals(horner(final, z), value))', to: 'if (!horner(final, z))' },
  {
    file: 'arguments/code.ts',
    from: 'if (!equals(state.claim, mul(evaluate(final, rest), weight)))',
    to: 'if (!mul(evaluate(final, rest), weight))',
  },
];

/** Counts of primitives, by the names of `Work`. */
export interface Counts {
  products: number;
  powers: number;
  compressions: number;
}

const counter = (name: keyof Counts, by: string): string =>
  `(globalThis as unknown as { counts: Record<string, number> }).counts.${name} += ${by};`;

const COUNTERS: readonly Mutation[] = [
  ['extension.ts', 'export function mul(a: Ext, b: Ext): Ext {', counter('products', '1')],
  [
    'field.ts',
    'export function pow(base: bigint, exponent: bigint): bigint {',
    counter('powers', 'exponent.toString(2).length / 64'),
  ],
  ['hash.ts', 'function rounds(state: Int32Array, k: Int32Array, w: Int32Array): void {', counter('compressions', '1')],
].map(([file, from, code]) => ({ file, from, to: `${from} ${code}` }));

/** The verifier, maybe without checks, with counts of what it does. */
export interface Counted {
  /** @throws what verifyProof throws */
  verify(bytes: Uint8Array, options?: VerifyOptions): { verified: VerifiedProof; counts: Counts };
  remove(): Promise<void>;
}

/** @param options `checks`: as the verifier checks; `counts`: as slow as counting is */
export async function countedVerifier(options: { checks: boolean; counts: boolean }): Promise<Counted> {
  const mutations = [...(options.checks ? [] : WITHOUT_CHECKS), ...(options.counts ? COUNTERS : [])];
  const copy = await mutant(mutations);
  return {
    verify(bytes, verifyOptions) {
      const counts = { products: 0, powers: 0, compressions: 0 };
      Object.assign(globalThis, { counts });
      const verified = copy.verifyProof(bytes, verifyOptions);
      return { verified, counts: { ...counts } };
    },
    remove: () => copy.remove(),
  };
}

/** A statement and, behind it, canonical random words: enough for any proof of it. */
export function randomProof(statement: Statement, seed: string): Uint8Array {
  const header = proofHeader(statement);
  const bytes = new Uint8Array(proofSizeBound(statement).max);
  bytes.set(header);
  const stream = new UniformStream(new Uint8Array(32), seed);
  const view = new DataView(bytes.buffer, header.length);
  // A top half below that of p makes any bottom half canonical.
  const top = Number(P >> 32n);
  for (let at = 0; at + 8 <= view.byteLength; at += 8) {
    view.setUint32(at, stream.below(top));
    view.setUint32(at + 4, stream.word());
  }
  return bytes;
}
