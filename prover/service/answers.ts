/** The service's answers, checked: types, signatures, statements. */
import { z } from 'zod';

import {
  recoverAddress,
  runAttestationDigest,
  segmentAttestationDigest,
  type RunAttestation,
  type SegmentAttestation,
  type Signed,
} from '../../protocol/attestation.ts';
import { parseSignedRun, parseSignedSegment } from '../../protocol/attestation-json.ts';
import { ascii } from '../../protocol/bytes.ts';
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import { decodeStatement, type RunSpec, type Statement } from '../../protocol/statement.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const whole = z.int().min(0);

/** What a parser of the protocol makes of a JSON value; its errors become the schema's. */
function parsedBy<T>(parse: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      // Values without a canonical JSON are RangeErrors.
      if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

/** A signed attestation whose signature is the attester's own; whether to trust the attester is the reader's to say. */
function signedBy<T extends SegmentAttestation | RunAttestation>(
  parse: (value: unknown) => Signed<T>,
  digestOf: (attestation: T) => Uint8Array,
) {
  return parsedBy(parse).refine(
    ({ attestation, attester, signature }) => recoverAddress(digestOf(attestation), signature) === attester,
    'the signature is not the attester’s',
  );
}

const segmentAttestation = signedBy<SegmentAttestation>(parseSignedSegment, segmentAttestationDigest);
const runAttestation = signedBy<RunAttestation>(parseSignedRun, runAttestationDigest);
const statement = parsedBy<Statement>((value) => decodeStatement(ascii(canonicalJson(value as Json))));
const run = parsedBy<RunSpec>(parseRun);

const verifierVersion = z.object({ id: z.string(), version: z.string(), codeHash: digest, digest });

const proofRecord = z.object({
  verdict: z.literal('valid'),
  proofDigest: digest,
  proofBytes: whole,
  statementHash: digest,
  runId: digest,
  verifier: verifierVersion,
  soundnessBits: z.number(),
  receivedAt: whole,
  statement,
  attestation: segmentAttestation.nullable(),
});

/** GET /proofs/{sha256}. */
export const proofAnswer = proofRecord;

/** POST /verify. */
export const submitAnswer = proofRecord.extend({
  stored: z.enum(['now', 'before']),
  timings: z.object({ bodyMs: z.number(), verifyMs: z.number().nullable(), storeMs: z.number(), note: z.string() }),
});

const segment = z.object({
  proofDigest: digest,
  statementHash: digest,
  first: whole,
  steps: z.int().min(1),
  adapterIn: digest.nullable(),
  momentsIn: digest.nullable(),
  adapterOut: digest,
  momentsOut: digest,
  verifier: digest,
  receivedAt: whole,
});

const final = z.object({
  adapterRoot: digest,
  momentsRoot: digest,
  runDigest: digest,
  verifier: digest,
  completedAt: whole,
  proofs: z.array(digest).min(1),
  attestation: runAttestation.nullable(),
});

/** GET /runs/{id}. */
export const runAnswer = z.object({
  runId: digest,
  run,
  complete: z.boolean(),
  reached: whole,
  stop: z.enum(['missing', 'roots', 'verifier']).nullable(),
  missing: z.array(z.object({ first: whole, steps: whole })),
  segments: z.array(segment).min(1),
  final: final.nullable(),
});

/** GET /adapters/{root}. */
export const adapterAnswer = z.object({
  adapterRoot: digest,
  runs: z
    .array(
      z.object({
        runId: digest,
        baseRoot: digest,
        dataRoot: digest,
        owner: z.string().regex(/^0x[0-9a-f]{40}$/),
        steps: whole,
        complete: z.boolean(),
        isFinal: z.boolean(),
        proofs: z.array(z.object({ proofDigest: digest, first: whole, steps: whole, receivedAt: whole })),
        final: final.nullable(),
      }),
    )
    .min(1),
  moreRuns: whole,
});

/** GET /verifiers. */
export const verifiersAnswer = z.object({
  verifiers: z.array(verifierVersion).min(1),
  attester: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .nullable(),
});

/** Any refusal. */
export const problemAnswer = z.object({
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  check: z.string().nullable(),
  next: z.string(),
  evidence: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

export type ProofAnswer = z.infer<typeof proofAnswer>;
export type SubmitResult = z.infer<typeof submitAnswer>;
export type RunAnswer = z.infer<typeof runAnswer>;
export type AdapterAnswer = z.infer<typeof adapterAnswer>;
export type VerifiersAnswer = z.infer<typeof verifiersAnswer>;
