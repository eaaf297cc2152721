/** Proofs verified on this machine, one by one and as the chain of their run. */
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { chainReport, type Chain, type ChainReport, type ChainSegment } from '../../protocol/chain.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { runDigest, type RunSpec } from '../../protocol/statement.ts';
import { verifierDigest, verifyProof, type VerifiedProof } from '../../protocol/verify.ts';

/** A proof's bytes and where they are from: a path or a URL. */
export interface NamedProof {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The verdict on one proof. */
export interface Verdict {
  readonly name: string;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Null where the proof is refused. */
  readonly verified: VerifiedProof | null;
  readonly refusal: ProtocolError | null;
}

/** Verifies one proof; a refusal is a result. */
export function judge({ name, bytes }: NamedProof): Verdict {
  const begin = performance.now();
  const verdict = (verified: VerifiedProof | null, refusal: ProtocolError | null): Verdict => {
    return { name, bytes: bytes.length, milliseconds: performance.now() - begin, verified, refusal };
  };
  try {
    return verdict(verifyProof(bytes), null);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return verdict(null, error);
  }
}

/** Valid proofs of one run, and how they chain. */
export interface RunVerdict {
  /** 64 hexadecimal digits. */
  readonly runId: string;
  readonly run: RunSpec;
  readonly report: ChainReport;
}

/** Looks for the chain of each run among verified proofs. */
export function runVerdicts(verified: readonly VerifiedProof[]): RunVerdict[] {
  const byRun = Map.groupBy(verified, (v) => toHex(v.runId));
  return [...byRun].map(([runId, proofs]) => {
    const { run } = proofs[0].statement;
    return { runId, run, report: chainReport(proofs.map(segmentOf), run.steps) };
  });
}

function segmentOf({ statement, statementHash, proofDigest }: VerifiedProof): ChainSegment {
  const { first, steps, adapterIn, momentsIn, adapterOut, momentsOut } = statement.segment;
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  const digests = { proofDigest: toHex(proofDigest), statementHash: toHex(statementHash) };
  // All were verified now, by this very verifier.
  return { ...digests, first, steps, ...roots, verifier: toHex(verifierDigest()), receivedAt: 0 };
}

/** Digest of a complete run, 64 hexadecimal digits. */
export function chainDigest(runId: string, chain: Chain): string {
  const hashes = chain.segments.map((s) => fromHex(s.statementHash, 32));
  return toHex(runDigest(fromHex(runId, 32), hashes));
}
