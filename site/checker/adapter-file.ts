/** Checks an adapter file: its digests, its root by the runs that it may come from, and what is known of that root. */
import { ask, find } from '../../api/client.ts';
import { runFacts, type Fact } from '../../api/words.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { adapterRootCost } from '../../commitment/cost.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { AdapterError } from '../../commitment/errors.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import { rootOutcome, rootlessOutcome, type KnownAdapter, type RootlessRun } from './adapter-outcome.ts';
import type { ProvenRun } from './judge.ts';
import { folderOf, type Claim } from './kinds.ts';
import { failureWords } from './refusals.ts';
import { progressOf, type Send } from './sender.ts';

export interface AdapterFile {
  /** URL of the service. */
  readonly base: string;
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly job: number;
  /** What dropped zklora.json files claim. */
  readonly claims: readonly Claim[];
  /** Runs of dropped proofs that hold. */
  readonly proven: readonly ProvenRun[];
}

/** Seconds of a unit of `adapterRootCost`, about. */
const UNIT_SECONDS = 1e-6;
/** Longer computations are left to the command line, seconds. */
const MOST_SECONDS = 1800;

/** What a question to the service came to; a text says why it could not be asked. */
async function asked<T>(question: Promise<T>): Promise<T | string> {
  try {
    return await question;
  } catch (error) {
    return failureWords(error);
  }
}

/** The run that the service names for a file's digests, if it knows one. */
async function namedRun(base: string, ids: readonly string[]): Promise<Map<string, RunSpec>> {
  const { answers } = await ask(base, 'lookup', { body: { ids: [...ids] } });
  const runId = answers.find((row) => row.runId !== null)?.runId;
  const report = runId === undefined || runId === null ? null : await find(base, 'run', { params: { id: runId } });
  return report === null ? new Map() : new Map([[report.runId, parseRun(report.run)]]);
}

interface Root {
  readonly runId: string;
  readonly run: RunSpec;
  readonly root: string;
}

/** The root by a run, or why the file is no adapter of that run. */
function rootBy({ bytes, path }: AdapterFile, runId: string, run: RunSpec): Root | RootlessRun {
  if (adapterRootCost(run) * UNIT_SECONDS > MOST_SECONDS)
    return { runId, why: 'its commitment would take a browser too long; use ./zklora check' };
  try {
    return { runId, run, root: adapterRootOfFile(bytes, run, path) };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { runId, why: error.problem };
  }
}

function factsOf(digests: { file: string; tensors: string }, root: Root | undefined): Fact[] {
  return [
    { term: 'SHA-256 of the file', value: digests.file, kind: 'digest' },
    { term: 'SHA-256 of its tensors', value: digests.tensors, kind: 'digest' },
    ...(root === undefined ? [] : ([{ term: 'Adapter root', value: root.root, kind: 'digest' }] as const)),
  ];
}

/** @throws TensorFileError for bytes that are no safetensors file */
export async function checkAdapter(file: AdapterFile, send: Send): Promise<void> {
  const { base, bytes, path, job, claims, proven } = file;
  const report = progressOf(send, job);
  report('computing its SHA-256', null);
  const begin = performance.now();
  const digests = fileDigests(bytes, path);
  let milliseconds = performance.now() - begin;
  report('looking up its SHA-256', null);
  const named = await asked(namedRun(base, [digests.file, digests.tensors]));
  const runs = new Map([...claims, ...proven].map(({ runId, run }) => [runId, run] as const));
  if (typeof named !== 'string') for (const [runId, run] of named) runs.set(runId, run);

  const roots: Root[] = [];
  const without: RootlessRun[] = [];
  for (const [runId, run] of runs) {
    // Runs of one shape give one root.
    report(`computing its commitment, about ${Math.ceil(adapterRootCost(run) * UNIT_SECONDS)} s`, null);
    const start = performance.now();
    const found = rootBy(file, runId, run);
    milliseconds += performance.now() - start;
    if ('root' in found) roots.push(found);
    else without.push(found);
  }
  const own = claims.find((claim) => claim.folder === folderOf(path)) ?? null;
  // The run that the file itself names comes first, then those of dropped proofs.
  const root = roots.find((each) => each.runId === own?.runId) ?? roots[0];
  if (root !== undefined) report('looking up its commitment', null);
  const known: KnownAdapter | null | string =
    root === undefined ? null : await asked(find(base, 'adapter', { params: { id: root.root } }));
  const outcome =
    root === undefined
      ? rootlessOutcome(without, typeof named === 'string' ? named : null)
      : rootOutcome({ root: root.root, claim: own, proven, known });
  const facts = [...factsOf(digests, root), ...(outcome.run === null ? [] : runFacts(outcome.run))];
  send({ kind: 'done', job, tone: outcome.tone, text: outcome.title, milliseconds, facts, submittable: false });
  send({ kind: 'outcome', outcome });
}
