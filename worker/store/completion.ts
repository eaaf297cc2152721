/** Complete runs, as the index has them: what follows from the segments of a run by `protocol/chain.ts`. */
import { adapterRecordId, type Hex } from '../../protocol/attestation.ts';
import { chainReport, type Chain, type ChainSegment } from '../../protocol/chain.ts';
import { chainDigest } from '../../protocol/proven-runs.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { Completion } from './types.ts';

const hex = (digits: string): Hex => `0x${digits}`;

/** What a chain completes. */
function completionOf(runId: string, run: RunSpec, chain: Chain): Omit<Completion, 'withdrawn'> {
  const { adapterRoot, verifier, completedAt } = chain;
  const digest = chainDigest(runId, chain);
  const record = adapterRecordId({
    runId: hex(runId),
    runDigest: hex(digest),
    adapterRoot: hex(adapterRoot),
    baseRoot: hex(run.baseRoot),
    dataRoot: hex(run.dataRoot),
    owner: run.owner as Hex,
    steps: BigInt(run.steps),
    verifier: hex(verifier),
  });
  return { runId, verifier, adapterRoot, runDigest: digest, record, completedAt };
}

/**
 * Completions of a run: one a verifier version and final adapter.
 * @param segments all of the run, or all that one verifier version verified
 */
export function completionsOf(
  runId: string,
  run: RunSpec,
  segments: readonly ChainSegment[],
): Omit<Completion, 'withdrawn'>[] {
  return chainReport(segments, run.steps).chains.map((chain) => completionOf(runId, run, chain));
}
