/** What is told of a proof: GET /proofs/{sha256} and, with the timings of a submission, POST /verify. */
import type { Output } from '../../api/client.ts';
import { attestSegment } from '../attestations.ts';
import type { ProofRecord } from '../store/types.ts';
import type { Sources } from './sources.ts';

export type ProofReport = Output<'proof'>;

/** A record as it is told; nobody attests what a withdrawn verifier verified. @throws AttestationKeyError */
export function proofReport(record: ProofRecord, { keys, withdrawn }: Sources): ProofReport {
  const { run, segment } = record.statement;
  const withdrawal = withdrawn.get(record.verifier.digest) ?? null;
  return {
    verdict: 'valid',
    ...record,
    statement: { run: { ...run }, segment: { ...segment } },
    withdrawn: withdrawal,
    ...attestSegment(record, withdrawal === null ? keys : []),
  };
}

/** GET /proofs/{sha256}; null where it is not stored. @throws Problem, AttestationKeyError */
export async function proofAnswer(digest: string, sources: Sources): Promise<ProofReport | null> {
  const record = await sources.store.record(digest);
  return record === null ? null : proofReport(record, sources);
}
