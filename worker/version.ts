import { toHex } from '../protocol/bytes.ts';
import { VERIFIER, verifierDigest, type VerifiedProof } from '../protocol/verify.ts';
import type { ProofRecord, VerifierVersion } from './store/types.ts';

/** The verifier that is part of this worker. */
export function currentVerifier(): VerifierVersion {
  return { ...VERIFIER, digest: toHex(verifierDigest()) };
}

/** The record of a proof that was just verified. @param receivedAt seconds since 1970 */
export function recordOf(
  bytes: Uint8Array,
  verified: VerifiedProof,
  verifier: VerifierVersion,
  receivedAt: number,
): ProofRecord {
  return {
    proofDigest: toHex(verified.proofDigest),
    proofBytes: bytes.length,
    statementHash: toHex(verified.statementHash),
    runId: toHex(verified.runId),
    verifier,
    soundnessBits: verified.soundnessBits,
    receivedAt,
    statement: verified.statement,
  };
}
