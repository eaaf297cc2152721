/** Records of verified proofs, as the worker makes them, for tests of what it tells about them. */
import { ascii, toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { runId, statementHash, type RunSpec, type SegmentSpec } from '../../protocol/statement.ts';
import type { ProofRecord, SegmentEntry } from '../../worker/store/types.ts';
import { SAMPLE_RUN, sampleSegment } from '../support/statements.ts';

/** A verifier version of the tests' own. */
export const verifierOf = (version: string): ProofRecord['verifier'] => ({
  id: 'zklora-verifier',
  version,
  codeHash: toHex(sha256(ascii(`code of ${version}`))),
  digest: toHex(sha256(ascii(`version ${version}`))),
});

/** The one of samples. */
export const VERIFIER = verifierOf('1');

export interface RecordOptions {
  readonly run?: RunSpec;
  readonly segment: SegmentSpec;
  /** Tells two proofs of one statement apart. */
  readonly content?: string;
  readonly verifier?: ProofRecord['verifier'];
  readonly receivedAt?: number;
}

/** A proof's bytes and the record of it; the bytes prove nothing. */
export function sample(options: RecordOptions): { bytes: Uint8Array<ArrayBuffer>; record: ProofRecord } {
  const { run = SAMPLE_RUN, segment, content = 'first', verifier = VERIFIER, receivedAt = 1_763_800_000 } = options;
  const statement = { run, segment };
  const hash = toHex(statementHash(statement));
  const bytes = Uint8Array.from(ascii(`${content} ${hash}`));
  const record: ProofRecord = {
    proofDigest: toHex(sha256(bytes)),
    proofBytes: bytes.length,
    statementHash: hash,
    runId: toHex(runId(run)),
    verifier,
    soundnessBits: 100,
    receivedAt,
    statement,
  };
  return { bytes, record };
}

/** The index entry of a sample, as the store has it. */
export function entry(options: RecordOptions): SegmentEntry {
  const { record } = sample(options);
  const { first, steps, counts, losses, adapterIn, momentsIn, adapterOut, momentsOut } = record.statement.segment;
  const { proofDigest, statementHash: hash, receivedAt } = record;
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  const verifier = record.verifier.digest;
  return { proofDigest, statementHash: hash, first, steps, ...roots, verifier, receivedAt, counts, losses };
}

export { sampleSegment };
