/** Proves a run segment by segment; what is proven already stays. */
import { provenRuns } from '../../protocol/proven-runs.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Chain } from '../../protocol/chain.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { verifyProof, type VerifiedProof } from '../../protocol/verify.ts';
import type { Compute } from '../compute.ts';
import type { CellMap } from '../train/engine.ts';
import { runPath } from '../train/run-folder.ts';
import type { Run } from '../train/run.ts';
import { proofFile, proofFolder, readIfThere, writeProof } from './folder.ts';
import { writeProvenance } from './provenance.ts';
import { segmentRanges, type SegmentRange } from './ranges.ts';
import { SegmentProver } from './segment.ts';

/** One segment's proof on the disk. */
export interface SegmentProof {
  readonly file: string;
  readonly range: SegmentRange;
  readonly bytes: number;
  readonly verified: VerifiedProof;
  /** Seconds of each phase in order; none where the proof was there before. */
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** What a caller learns while a run is proven. */
export interface ProveObserver {
  /** Before the first segment: segments of the run, and those among them whose steps are trained. */
  planned?(segments: number, trained: number): void;
  /** A segment's proof begins. */
  begins?(range: SegmentRange, index: number): void;
  phase?(name: string): void;
  /** A segment's proof is on the disk. */
  proven?(proof: SegmentProof, index: number): void;
  /** A file that should be the proof of a segment is none, and is made again. */
  refused?(file: string, why: string): void;
}

export interface ProveOutcome {
  readonly proofs: readonly SegmentProof[];
  /** The whole run's chain; null while steps are not trained. */
  readonly chain: Chain | null;
}

/**
 * Proves all segments whose steps are trained. Ends with zklora.json in the adapter directory when the run is complete.
 *
 * @param perProof steps a segment, a power of two
 * @throws RunConfigError, RunFolderError, and what training, kernels and the verifier throw
 */
export async function proveRun(
  { run, base }: { readonly run: Run; readonly base: CellMap },
  compute: Compute,
  perProof: number,
  observer: ProveObserver = {},
): Promise<ProveOutcome> {
  const ranges = segmentRanges(run.spec.steps, perProof);
  const end = await run.lastCheckpoint();
  const trained = ranges.filter(({ first, steps }) => first + steps <= end);
  observer.planned?.(ranges.length, trained.length);
  const prover = new SegmentProver(run, base, compute);
  const proofs: SegmentProof[] = [];
  try {
    for (const [index, range] of trained.entries()) {
      observer.begins?.(range, index);
      const proof = (await provenBefore(run, range, observer)) ?? (await proveNow(prover, run, range, observer));
      proofs.push(proof);
      observer.proven?.(proof, index);
    }
  } finally {
    prover.close();
  }
  const chain = provenRuns(proofs.map((p) => p.verified))[0]?.report.chains[0] ?? null;
  if (chain !== null) await writeClaim(run, chain);
  return { proofs, chain };
}

async function provenBefore(run: Run, range: SegmentRange, observer: ProveObserver): Promise<SegmentProof | null> {
  const file = proofFile(proofFolder(run.folder), range);
  const bytes = await readIfThere(file);
  if (bytes === null) return null;
  try {
    const verified = verifyProof(bytes);
    const { first, steps } = verified.statement.segment;
    if (toHex(verified.runId) === run.id && first === range.first && steps === range.steps)
      return { file, range, bytes: bytes.length, verified, phases: [] };
    observer.refused?.(file, 'it proves another run or other steps');
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    observer.refused?.(file, error.message);
  }
  return null;
}

async function proveNow(
  prover: SegmentProver,
  run: Run,
  range: SegmentRange,
  observer: ProveObserver,
): Promise<SegmentProof> {
  const phases: { name: string; seconds: number }[] = [];
  let begin = performance.now();
  const lap = (): void => {
    const last = phases.at(-1);
    const now = performance.now();
    if (last !== undefined) last.seconds = (now - begin) / 1000;
    begin = now;
  };
  const { bytes, verified } = await prover.prove(range, (name) => {
    lap();
    phases.push({ name, seconds: 0 });
    observer.phase?.(name);
  });
  lap();
  const file = await writeProof(proofFolder(run.folder), range, bytes);
  return { file, range, bytes: bytes.length, verified, phases };
}

async function writeClaim(run: Run, chain: Chain): Promise<void> {
  const segments = chain.segments.map(({ first, steps, statementHash, proofDigest }) => {
    return { first, steps, statementHash, proofDigest };
  });
  const { adapterRoot } = chain;
  const claim = { format: 1, run: run.spec, runId: run.id, adapterRoot, segments } as const;
  await writeProvenance(runPath(run.folder, 'adapter'), claim);
}
