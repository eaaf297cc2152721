/** From a proof's bytes to its stored record: the same for a request and for a job. */
import { toHex } from '../protocol/bytes.ts';
import { sha256 } from '../protocol/hash.ts';
import { verifyProof } from '../protocol/verify.ts';
import type { Sources } from './answers/sources.ts';
import { inTurn } from './limits/turn.ts';
import { Problem } from './problems.ts';
import type { ProofRecord } from './store/types.ts';
import { currentVerifier, recordOf } from './version.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A withdrawn verifier's word counts for nothing. @throws Problem (503) */
export function requireCounting({ withdrawn }: Pick<Sources, 'withdrawn'>): void {
  const withdrawal = withdrawn.get(currentVerifier().digest);
  if (withdrawal === undefined) return;
  throw new Problem(503, {
    code: 'VERIFIER_WITHDRAWN',
    detail: `The verifier version of this worker was withdrawn: ${withdrawal.reason}`,
    next: 'Wait until the operator deploys another version, then submit again: GET /verifiers tells.',
  });
}

export const proofDigestOf = (bytes: Uint8Array): string => toHex(sha256(bytes));

/** The record of the current verifier, or null; what another version verified is verified again. */
export async function knownRecord(proof: string, { store }: Pick<Sources, 'store'>): Promise<ProofRecord | null> {
  const before = await store.record(proof, currentVerifier().digest);
  if (before !== null) await store.index(before);
  return before;
}

/**
 * Verifies when it is its turn.
 * @throws the protocol's errors, which `problems.ts` makes 400 and 422
 */
export function verified(bytes: Bytes): Promise<ProofRecord> {
  return inTurn(() => recordOf(bytes, verifyProof(bytes), currentVerifier(), Math.floor(Date.now() / 1000)));
}
