/** What is told of a run: GET /runs/{id}, and the parts of it that GET /adapters/{id} tells too. */
import type { Output } from '../../api/client.ts';
import { adapterRecordId, type Hex } from '../../protocol/attestation.ts';
import { chainReport, type Chain } from '../../protocol/chain.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { attestRun, recordOfRun } from '../attestations.ts';
import { chainDigest } from '../../protocol/proven-runs.ts';
import type { RunEntry, SegmentEntry } from '../store/types.ts';
import type { Sources } from './sources.ts';

export type RunReport = Output<'run'>;
export type Final = NonNullable<RunReport['final']> & { readonly record: Hex };
export type LossPoint = RunReport['losses'][number];

/** Statements publish summed losses in nats at this scale. */
const LOSS_SCALE = 1024;
/** Decimal places of a mean loss that are told. */
const LOSS_PLACES = 1e6;

/**
 * The chain that is told of several: the first that became complete under a verifier that counts, else the first.
 * @param chains in the order in which they became complete
 */
export function toldChain(chains: readonly Chain[], { withdrawn }: Pick<Sources, 'withdrawn'>): Chain | null {
  return chains.find((chain) => !withdrawn.has(chain.verifier)) ?? chains[0] ?? null;
}

/** Id of the record that a registry keeps of a complete chain. */
export const recordIdOf = (runId: string, run: RunSpec, chain: Chain): Hex =>
  adapterRecordId(recordOfRun(runId, run, chain));

/** A complete chain: what a contract anchors, and who attests it; nobody attests what a withdrawn verifier verified. */
export function finalOf(runId: string, run: RunSpec, chain: Chain, { keys, withdrawn }: Sources): Final {
  const record = recordOfRun(runId, run, chain);
  const { adapterRoot, momentsRoot, verifier, completedAt, segments } = chain;
  const withdrawal = withdrawn.get(verifier) ?? null;
  return {
    adapterRoot,
    momentsRoot,
    runDigest: chainDigest(runId, chain),
    verifier,
    withdrawn: withdrawal,
    completedAt,
    proofs: segments.map((segment) => segment.proofDigest),
    record: adapterRecordId(record),
    ...attestRun(record, withdrawal === null ? keys : []),
  };
}

/**
 * The mean loss of each step, nats a label: of the told chain's segments; where none is complete, of any segment. Steps without labels, and runs that hide their losses, have none.
 */
export function lossesOf(segments: readonly SegmentEntry[], chain: Chain | null): LossPoint[] {
  const told = chain === null ? null : new Map(chain.segments.map((s) => [`${s.proofDigest} ${s.verifier}`, s]));
  const points = new Map<number, LossPoint>();
  for (const segment of segments) {
    if (segment.losses === null || told?.has(`${segment.proofDigest} ${segment.verifier}`) === false) continue;
    for (const [i, sum] of segment.losses.entries()) {
      const step = segment.first + i;
      const loss = Math.round((sum / segment.counts[i] / LOSS_SCALE) * LOSS_PLACES) / LOSS_PLACES;
      if (segment.counts[i] > 0 && !points.has(step)) points.set(step, { step, loss });
    }
  }
  return [...points.values()].sort((a, b) => a.step - b.step);
}

/** A segment without what is told of its steps elsewhere. */
function segmentOf(entry: SegmentEntry): RunReport['segments'][number] {
  const { proofDigest, statementHash, first, steps, verifier, receivedAt } = entry;
  const { adapterIn, momentsIn, adapterOut, momentsOut } = entry;
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  return { proofDigest, statementHash, first, steps, ...roots, verifier, receivedAt };
}

/** A run with all that is stored of it. @throws AttestationKeyError */
export function runReport({ runId, run, segments, more }: RunEntry, sources: Sources): RunReport {
  const { chains, reached, stop, missing } = chainReport(segments, run.steps);
  const chain = toldChain(chains, sources);
  return {
    runId,
    run: { ...run },
    complete: chain !== null,
    reached,
    stop,
    missing: [...missing],
    segments: segments.map(segmentOf),
    moreSegments: more,
    losses: lossesOf(segments, chain),
    final: chain === null ? null : finalOf(runId, run, chain, sources),
  };
}

/** GET /runs/{id}; null where no proof of it is stored. @throws Problem (503), AttestationKeyError */
export async function runAnswer(runId: string, sources: Sources): Promise<RunReport | null> {
  const entry = await sources.store.run(runId);
  return entry === null ? null : runReport(entry, sources);
}
