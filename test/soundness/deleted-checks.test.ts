/**
 * Every check of the verifier is needed: for each there is a proof that it alone refuses, which a verifier without that check
 * accepts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { concat } from '../../protocol/bytes.ts';
import { P } from '../../protocol/field.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import type { Backend } from '../../prover/backend/backend.ts';
import { proveInstance } from '../../prover/prove.ts';
import { alterMessage, commitsElsewhere, ignoresQueries, skipWork, swapsPolynomial } from '../support/interfere.ts';
import { micro, verify, type Ran } from '../support/micro.ts';
import { mutant, type Mutant, type Mutation } from '../support/mutant.ts';
import { microRun, proveStatement, type MicroSegment } from '../support/micro-run.ts';
import { verifyProof } from '../../protocol/verify.ts';

interface Case {
  readonly check: string;
  readonly code: string;
  readonly mutation: Mutation;
  /** What the prover does; returns its backend where it is no usual one. */
  readonly cheat: (run: Ran) => Backend | void;
  /** What is done to the finished proof. */
  readonly after?: (bytes: Uint8Array) => Uint8Array;
}

const assertion = (file: string, code: string, text: string): Mutation => ({
  file: `arguments/${file}.ts`,
  from: `ctx.assertZero(${text}, '${code}'`,
  to: `void (${text}, '${code}'`,
});

const CASES: readonly Case[] = [
  {
    check: 'the statement at the front',
    code: 'STATEMENT',
    mutation: { file: 'verify.ts', from: 'if (!equalBytes(header, instance.header))', to: 'if (false)' },
    cheat: () => alterMessage('statement', 0),
  },
  {
    check: 'proof of work',
    code: 'PROOF_OF_WORK',
    mutation: { file: 'channel.ts', from: 'leadingZeros(this.transcript.grindDigest(nonce)) < bits', to: 'false' },
    cheat: () => skipWork('code.grind'),
  },
  {
    check: 'the sum of the fractions is no 0/0',
    code: 'LOOKUP_ROOT',
    mutation: assertion('lookup', 'LOOKUP_ROOT', 'ctx.sub(ctx.mul(q, inverse), ctx.constant(ONE))'),
    cheat: () => alterMessage('lookup.root', 1),
  },
  {
    check: 'a layer of the fractions',
    code: 'LOOKUP_LAYER',
    mutation: assertion('lookup', 'LOOKUP_LAYER', 'ctx.sub(claim, expected)'),
    cheat: () => alterMessage('lookup.round', 60),
  },
  {
    check: 'the relations at the end of their sumcheck',
    code: 'RELATIONS',
    mutation: assertion('relations', 'RELATIONS', 'ctx.sub(claim, productsAt(ctx, plan, values, r))'),
    cheat: () => alterMessage('relations.round', 2),
  },
  {
    check: 'the one-hot rows',
    code: 'ONE_HOT',
    mutation: assertion('onehot', 'ONE_HOT', 'ctx.sub(claim, expected)'),
    cheat: () => alterMessage('onehot.round', 1),
  },
  {
    check: 'the evaluations of the oracles',
    code: 'OPENING',
    mutation: assertion('opening', 'OPENING', 'ctx.sub(claim, expected)'),
    cheat: () => alterMessage('opening.round', 3),
  },
  {
    check: 'rows of an oracle against the stack',
    code: 'CODE_OPENING',
    // Both the answers' sum and their constraints go.
    mutation: {
      file: 'arguments/code.ts',
      from: 'const coef = coefs[at++];\n      state.claim',
      to: 'const coef = ((at++, coefs), ZERO);\n      state.claim',
    },
    cheat: (run) => ignoresQueries(commitsElsewhere(run.circuit.stacks.witness.length), 1),
  },
  {
    check: 'a fold against the next code',
    code: 'CODE_OPENING',
    mutation: {
      file: 'arguments/code.ts',
      from: 'const coef = coefs[i];\n    state.claim',
      to: 'const coef = (coefs, ZERO);\n    state.claim',
    },
    cheat: () => ignoresQueries(swapsPolynomial(1), 2),
  },
  {
    check: 'the last fold against the last polynomial',
    code: 'CODE_FOLD',
    mutation: { file: 'arguments/code.ts', from: 'if (!equals(horner(final, z), value))', to: 'if (false)' },
    cheat: () => swapsPolynomial(2),
  },
  {
    check: "the stack's claims",
    code: 'CODE_OPENING',
    mutation: {
      file: 'arguments/code.ts',
      from: 'if (!equals(state.claim, mul(evaluate(final, rest), weight)))',
      to: 'if (false)',
    },
    cheat: () => alterMessage('code.round', 0),
  },
  {
    check: 'Merkle paths',
    code: 'MERKLE_ROOT',
    mutation: {
      file: 'merkle.ts',
      from: 'if (checkDigest(root).some((byte, i) => byte !== digests[0][i]))',
      to: 'if (false)',
    },
    cheat: () => alterMessage('root.witness', 0),
  },
  {
    check: 'elements below p',
    code: 'NOT_CANONICAL',
    mutation: { file: 'channel.ts', from: 'if (word >= P)', to: 'if (false)' },
    // Both labels have the id 1, so that the second bit's extension is 0.
    cheat: () => alterMessage('onehot.bit', 3, ([a, b]) => (expect([a, b]).toEqual([0n, 0n]), [P, P])),
  },
  {
    check: 'the end of the proof',
    code: 'TRAILING_BYTES',
    mutation: { file: 'channel.ts', from: 'if (this.#at !== this.#bytes.length)', to: 'if (false)' },
    cheat: () => undefined,
    after: (bytes) => concat(bytes, Uint8Array.of(0)),
  },
];

let run: Ran;
const made: Mutant[] = [];

async function make(mutations: readonly Mutation[]): Promise<Mutant> {
  const one = await mutant(mutations);
  made.push(one);
  return one;
}

/** The code of a refusal, of whichever copy of the verifier. */
function outcome(action: () => unknown): string {
  try {
    action();
    return 'accepted';
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String((error as ProtocolError).code);
    throw error;
  }
}

beforeAll(async () => {
  run = await micro();
});

afterEach(() => {
  vi.restoreAllMocks();
});

afterAll(async () => {
  for (const one of made) await one.remove();
});

describe('a verifier without a check', () => {
  it('that is a plain copy refuses and accepts the same', async () => {
    const copy = await make([]);
    const { bytes } = await proveInstance(createCpuBackend(), run.instance, run.witness);
    expect(outcome(() => copy.verifyInstance(bytes, run.instance))).toBe('accepted');
    alterMessage('opening.round', 3);
    const other = await proveInstance(createCpuBackend(), run.instance, run.witness);
    expect(outcome(() => copy.verifyInstance(other.bytes, run.instance))).toBe('OPENING');
  });

  it.each(CASES)('$check ($code) accepts what that check alone refuses', async ({ code, mutation, cheat, after }) => {
    const backend = cheat(run) ?? createCpuBackend();
    const { bytes } = await proveInstance(backend, run.instance, run.witness);
    const proof = after?.(bytes) ?? bytes;
    const without = await make([mutation]);
    expect(outcome(() => verify(proof, run.instance))).toBe(code);
    expect(outcome(() => without.verifyInstance(proof, run.instance))).toBe('accepted');
  });
});

describe('a verifier of statements without a check', () => {
  let segment: MicroSegment;

  beforeAll(async () => {
    [, segment] = await microRun();
  });

  it('of roots accepts an adapter that was not trained', async () => {
    const { statement, witness } = segment;
    const lie = { ...statement, segment: { ...statement.segment, adapterOut: statement.run.baseRoot } };
    const bytes = await proveStatement(lie, witness);
    const without = await make([
      { file: 'verify.ts', from: 'if (expected === null || !equalBytes(expected, actual))', to: 'if (false)' },
    ]);
    expect(outcome(() => verifyProof(bytes))).toBe('ROOT');
    expect(outcome(() => without.verifyProof(bytes))).toBe('accepted');
  });
});
