/** What verified proofs amount to: the runs that they belong to, and how their segments chain. */
import { fromHex, toHex } from './bytes.ts';
import { chainReport, type Chain, type ChainReport, type ChainSegment } from './chain.ts';
import { runDigest, type RunSpec } from './statement.ts';
import { verifierDigest, type VerifiedProof } from './verify.ts';

/** Proofs of one run that hold, and how they chain. */
export interface ProvenRun {
  /** 64 hexadecimal digits. */
  readonly runId: string;
  readonly run: RunSpec;
  readonly proofs: number;
  readonly report: ChainReport;
}

/** Looks for the chain of each run among proofs that this very verifier has verified. */
export function provenRuns(verified: readonly VerifiedProof[]): ProvenRun[] {
  const verifier = toHex(verifierDigest());
  const byRun = Map.groupBy(verified, (v) => toHex(v.runId));
  return [...byRun].map(([runId, proofs]) => {
    const { run } = proofs[0].statement;
    const segments = proofs.map((proof) => segmentOf(proof, verifier));
    return { runId, run, proofs: proofs.length, report: chainReport(segments, run.steps) };
  });
}

/** Nothing says which was verified first. */
function segmentOf({ statement, statementHash, proofDigest }: VerifiedProof, verifier: string): ChainSegment {
  const { first, steps, adapterIn, momentsIn, adapterOut, momentsOut } = statement.segment;
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  const digests = { proofDigest: toHex(proofDigest), statementHash: toHex(statementHash) };
  return { ...digests, first, steps, ...roots, verifier, receivedAt: 0 };
}

/** Digest of a complete run, 64 hexadecimal digits. */
export function chainDigest(runId: string, chain: Chain): string {
  const hashes = chain.segments.map(({ statementHash }) => fromHex(statementHash, 32));
  return toHex(runDigest(fromHex(runId, 32), hashes));
}
