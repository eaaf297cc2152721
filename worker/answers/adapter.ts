/** What is told of an adapter: GET /adapters/{id}. */
import type { Output } from '../../api/client.ts';
import { chainReport } from '../../protocol/chain.ts';
import type { Named, RunEntry, ShownFile } from '../store/types.ts';
import { anchoredAnswer, attestedAnswer, integrityAnswer, proofAnswer } from './questions.ts';
import { finalOf, lossesOf, toldChain, type LossPoint } from './run.ts';
import type { Sources } from './sources.ts';
import { lookRecordsUp, speaking, statusOf, tellingAnchor, type Anchors, type RunRecord } from './status.ts';

export type AdapterReport = Output<'adapter'>;
export type AdapterRun = AdapterReport['runs'][number];

/** Most runs that one answer looks at. */
const MAX_RUNS = 20;
/** Most points of a loss curve. */
const MAX_POINTS = 400;

/** Evenly thinned; the first and the last stay. */
function thinned(points: readonly LossPoint[]): LossPoint[] {
  if (points.length <= MAX_POINTS) return [...points];
  const apart = (points.length - 1) / (MAX_POINTS - 1);
  return Array.from({ length: MAX_POINTS }, (_, i) => points[Math.round(i * apart)]);
}

interface RunHere {
  readonly run: Omit<AdapterRun, 'anchor'>;
  /** One of each complete chain that ends at the adapter, the told one first. */
  readonly records: readonly RunRecord[];
}

/** What one run says about an adapter root: the proofs that end there, and whether it is the run's final one. */
function runHere(root: string, { runId, run, segments }: RunEntry, sources: Sources): RunHere {
  const { chains } = chainReport(segments, run.steps);
  const ending = chains.filter((chain) => chain.adapterRoot === root);
  const told = toldChain(ending, sources);
  const ordered = told === null ? [] : [told, ...ending.filter((chain) => chain !== told)];
  const finals = ordered.map((chain) => finalOf(runId, run, chain, sources));
  const proofs = segments.filter((segment) => segment.adapterOut === root);
  return {
    run: {
      runId,
      run: { ...run },
      baseRoot: run.baseRoot,
      dataRoot: run.dataRoot,
      owner: run.owner,
      steps: run.steps,
      complete: chains.length > 0,
      isFinal: told !== null,
      proofs: proofs.map(({ proofDigest, first, steps, receivedAt }) => ({ proofDigest, first, steps, receivedAt })),
      losses: thinned(lossesOf(segments, told ?? toldChain(chains, sources))),
      final: finals[0] ?? null,
    },
    records: finals.map(({ record, withdrawn }) => ({ record, owner: run.owner, counts: withdrawn === null })),
  };
}

/** The runs in the order in which they matter: those that end here and count first, among them the first completed. */
function byWeight(a: RunHere, b: RunHere): number {
  const weight = ({ records }: RunHere): number => (records[0]?.counts === true ? 0 : records.length > 0 ? 1 : 2);
  const since = ({ run }: RunHere): number => run.final?.completedAt ?? 0;
  return weight(a) - weight(b) || since(a) - since(b);
}

/** Four answers and their evidence, from all that was looked up. */
export function adapterReport(
  id: string,
  { kind, adapterRoot }: Named,
  found: { readonly files: readonly ShownFile[]; readonly runs: readonly RunHere[]; readonly moreRuns: number },
  anchors: Anchors,
  sources: Sources,
): AdapterReport {
  const ordered = [...found.runs].sort(byWeight);
  const runs = ordered.map(({ run, records }) => ({ ...run, anchor: tellingAnchor(records, anchors) }));
  const records = ordered.flatMap((each) => each.records);
  return {
    id,
    kind,
    adapterRoot,
    status: statusOf(records, anchors),
    answers: {
      integrity: integrityAnswer(id, kind, found.files),
      proof: proofAnswer(runs),
      attested: attestedAnswer(runs, sources.keys.length > 0),
      anchored: anchoredAnswer(
        tellingAnchor(speaking(records), anchors),
        anchors.failed,
        records.length > 0,
        sources.env,
      ),
    },
    files: found.files.map((file) => ({ ...file })),
    runs,
    moreRuns: found.moreRuns,
  };
}

/**
 * GET /adapters/{id}; null where no stored proof ends at the adapter that the id names.
 * @param id adapter root, SHA-256 of a shown file, or of its tensors
 * @throws Problem (503), AttestationKeyError, SettingError
 */
export async function adapterAnswer(id: string, sources: Sources): Promise<AdapterReport | null> {
  const { store, env } = sources;
  const named = await store.named(id);
  if (named === null) return null;
  const [{ runIds, more }, files] = await Promise.all([
    store.runsEndingAt(named.adapterRoot, MAX_RUNS),
    store.filesOf(named.adapterRoot, id),
  ]);
  const entries = await Promise.all(runIds.map((runId) => store.run(runId)));
  const runs = entries.flatMap((entry) => (entry === null ? [] : [runHere(named.adapterRoot, entry, sources)]));
  if (runs.length === 0) return null;
  const anchors = await lookRecordsUp(
    env,
    runs.flatMap(({ records }) => records),
  );
  return adapterReport(id, named, { files, runs, moreRuns: more }, anchors, sources);
}
