/** The service's answers, checked beyond their shape: signatures are recovered, statements parsed. */
import { z } from 'zod';

import * as api from '../../api/answers.ts';
import { orNull } from '../../api/values.ts';
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
  return parsedBy((value) => {
    const signed = parse(value);
    if (recoverAddress(digestOf(signed.attestation), signed.signature) === signed.attester) return signed;
    throw new ForeignSignatureError();
  });
}

/** An attestation that somebody else signed than it says. */
class ForeignSignatureError extends ProtocolError {
  constructor() {
    super('ATTESTATION_SIGNATURE', 'the signature is not the attester’s');
  }
}

const segmentAttestation = signedBy<SegmentAttestation>(parseSignedSegment, segmentAttestationDigest);
const runAttestation = signedBy<RunAttestation>(parseSignedRun, runAttestationDigest);
const statement = parsedBy<Statement>((value) => decodeStatement(ascii(canonicalJson(value as Json))));
const run = parsedBy<RunSpec>(parseRun);

const ofProof = { statement, attestation: orNull(segmentAttestation), attestations: z.array(segmentAttestation) };
const final = api.final.extend({ attestation: orNull(runAttestation), attestations: z.array(runAttestation) });

/** GET /proofs/{sha256}. */
export const proofAnswer = api.proof.extend(ofProof);

/** POST /verify. */
export const submissionAnswer = api.submission.extend(ofProof);

/** GET /runs/{id}. */
export const runAnswer = api.run.extend({ run, final: orNull(final) });

/** GET /adapters/{id}. */
export const adapterAnswer = api.adapter.extend({
  runs: z.array(api.adapterRun.extend({ run, final: orNull(final) })).min(1),
});

export type ProofAnswer = z.output<typeof proofAnswer>;
export type RunAnswer = z.output<typeof runAnswer>;
export type AdapterAnswer = z.output<typeof adapterAnswer>;
export type VerifiersAnswer = z.output<typeof api.verifiers>;
/** A proof that was submitted; `timings` are null where a job of the service verified it. */
export type SubmitResult = ProofAnswer & {
  readonly stored: 'now' | 'before';
  readonly timings: z.output<typeof submissionAnswer>['timings'] | null;
};
