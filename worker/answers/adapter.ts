/** What is told of an adapter: GET /adapters/{id}. */
import type { Output } from '../../api/client.ts';
import type { Hex } from '../../protocol/attestation.ts';
import { chainReport } from '../../protocol/chain.ts';
import { Problem } from '../problems.ts';
import type { Store } from '../store/store.ts';
import type { Named, RunEntry, ShownFile } from '../store/types.ts';
import { anchoredAnswer, attestedAnswer, integrityAnswer, proofAnswer } from './questions.ts';
import { finalOf, lossesOf, recordIdOf, toldChain, type LossPoint } from './run.ts';
import type { Sources } from './sources.ts';
import { lookRecordsUp, speaking, statusOf, tellingAnchor, type Anchors, type RunRecord } from './status.ts';

export type AdapterReport = Output<'adapter'>;
export type AdapterRun = AdapterReport['runs'][number];

/** Most runs that one answer looks at. */
const MAX_RUNS = 20;
/** Steps of which the losses are read, of each run but the first: all of them are in memory at once. */
const STEPS_OF_OTHERS = 4096;
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

/**
 * What one run says about an adapter root: the proofs that end there, and whether it is the run's final one.
 * @param asked the record whose chain is told, if it is of this run
 */
function runHere(root: string, { runId, run, segments }: RunEntry, sources: Sources, asked: Hex | null): RunHere {
  const { chains } = chainReport(segments, run.steps);
  const ending = chains.filter((chain) => chain.adapterRoot === root);
  const askedChain = asked === null ? undefined : ending.find((chain) => recordIdOf(runId, run, chain) === asked);
  const told = askedChain ?? toldChain(ending, sources);
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

/**
 * The runs in the order in which they matter: that of the record that is asked about, then those that end here and
 * count, among them the first completed.
 */
function ranked(runs: readonly RunHere[], asked: Hex | null): RunHere[] {
  const weight = ({ records }: RunHere): number => {
    if (records.length === 0) return 3;
    return records[0].record === asked ? 0 : records[0].counts ? 1 : 2;
  };
  const since = ({ run }: RunHere): number => run.final?.completedAt ?? 0;
  return [...runs].sort((a, b) => weight(a) - weight(b) || since(a) - since(b));
}

const askedRecord = (named: Named): Hex | null => (named.kind === 'record' ? named.record : null);

/** Four answers and their evidence, from all that was looked up. */
export function adapterReport(
  id: string,
  named: Named,
  found: { readonly files: readonly ShownFile[]; readonly runs: readonly RunHere[]; readonly moreRuns: number },
  anchors: Anchors,
  sources: Sources,
): AdapterReport {
  const { kind, adapterRoot } = named;
  const asked = askedRecord(named);
  const ordered = ranked(found.runs, asked);
  const runs = ordered.map(({ run, records }) => {
    const own = records.some(({ record }) => record === asked) ? asked : null;
    return { ...run, anchor: tellingAnchor(records, anchors, own) };
  });
  const records = ordered.flatMap((each) => each.records);
  return {
    id,
    kind,
    adapterRoot,
    status: statusOf(records, anchors, asked),
    answers: {
      integrity: integrityAnswer(id, kind, found.files),
      proof: proofAnswer(runs),
      attested: attestedAnswer(runs, sources.keys.length > 0),
      anchored: anchoredAnswer(
        tellingAnchor(speaking(records), anchors, asked),
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

/** A run that others may have made to end here: none, where it has more proofs than can be told. */
async function otherRun(runId: string, store: Store): Promise<RunEntry | null> {
  try {
    return await store.run(runId, STEPS_OF_OTHERS);
  } catch (error) {
    if (error instanceof Problem && error.details.code === 'TOO_MANY_PROOFS') return null;
    throw error;
  }
}

interface Ending {
  readonly runIds: readonly string[];
  readonly more: number;
}

/** One run goes first, however many went before it. */
function withRun({ runIds, more }: Ending, runId: string): Ending {
  const kept = [runId, ...runIds.filter((each) => each !== runId)].slice(0, MAX_RUNS);
  return { runIds: kept, more: Math.max(0, more + runIds.length - kept.length) };
}

/**
 * GET /adapters/{id}; null where no stored proof ends at the adapter that the id names.
 * @param id adapter root, SHA-256 of a shown file, or of its tensors, or id of a record without 0x
 * @throws Problem (503), AttestationKeyError, SettingError
 */
export async function adapterAnswer(id: string, sources: Sources): Promise<AdapterReport | null> {
  const { store, env } = sources;
  const named = await store.named(id);
  if (named === null) return null;
  const [ending, files] = await Promise.all([
    store.runsEndingAt(named.adapterRoot, MAX_RUNS),
    store.filesOf(named.adapterRoot, id),
  ]);
  const asked = askedRecord(named);
  const { runIds, more } = named.kind === 'record' ? withRun(ending, named.runId) : ending;
  const entries = await Promise.all(runIds.map((runId, i) => (i === 0 ? store.run(runId) : otherRun(runId, store))));
  const runs = entries.flatMap((entry) => (entry === null ? [] : [runHere(named.adapterRoot, entry, sources, asked)]));
  if (runs.length === 0) return null;
  const anchors = await lookRecordsUp(
    env,
    runs.flatMap(({ records }) => records),
  );
  return adapterReport(id, named, { files, runs, moreRuns: more + runIds.length - runs.length }, anchors, sources);
}
