/** Checks an adapter file: its digests, its root by the runs that it may come from, and what is known of that root. */
import { ask, find } from '../../api/client.ts';
import { runFacts, type Fact } from '../../api/words.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { adapterRootCost, adapterRootMemory } from '../../commitment/cost.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { AdapterError } from '../../commitment/errors.ts';
import { parseFile } from '../../commitment/safetensors.ts';
import type { ProvenRun } from '../../protocol/proven-runs.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import { NO_LORA, rootOutcome, rootlessOutcome, type AdapterOutcome, type RootlessRun } from './adapter-outcome.ts';
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
/** More memory than this is not asked of a browser, bytes. */
const MOST_MEMORY = 2 ** 31;

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
  if (adapterRootCost(run) * UNIT_SECONDS > MOST_SECONDS || adapterRootMemory(run) > MOST_MEMORY)
    return { runId, why: 'its commitment would take more than a browser has; use ./zklora check' };
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

type Report = (what: string, share: number | null) => void;

/** The roots by every run that the file may come from, and the time that they took. */
function rootsBy(file: AdapterFile, runs: ReadonlyMap<string, RunSpec>, report: Report) {
  const roots: Root[] = [];
  const without: RootlessRun[] = [];
  const begin = performance.now();
  for (const [runId, run] of runs) {
    report(`computing its commitment, about ${Math.ceil(adapterRootCost(run) * UNIT_SECONDS)} s`, null);
    const found = rootBy(file, runId, run);
    if ('root' in found) roots.push(found);
    else without.push(found);
  }
  return { roots, without, milliseconds: performance.now() - begin };
}

/** What the file comes to, and its root where it has one. */
async function concluded(
  { base, path, claims, proven }: AdapterFile,
  roots: readonly Root[],
  without: readonly RootlessRun[],
  unasked: string | null,
): Promise<{ outcome: AdapterOutcome; root: Root | undefined }> {
  const claim = claims.find((each) => each.folder === folderOf(path)) ?? null;
  // The run that the file itself names comes first, then those of dropped proofs.
  const root = roots.find((each) => each.runId === claim?.runId) ?? roots[0];
  if (root === undefined) return { outcome: rootlessOutcome(without, unasked), root };
  const known = await asked(find(base, 'adapter', { params: { id: root.root } }));
  return { outcome: rootOutcome({ root: root.root, claim, proven, known }), root };
}

/** @throws TensorFileError for bytes that are no safetensors file */
export async function checkAdapter(file: AdapterFile, send: Send): Promise<void> {
  const { base, bytes, path, job, claims, proven } = file;
  const report = progressOf(send, job);
  report('computing its SHA-256', null);
  const tensors = parseFile(bytes, path);
  const begin = performance.now();
  const digests = fileDigests(bytes, path);
  const hashing = performance.now() - begin;
  if (!tensors.some(({ name }) => /\.lora_[AB]\./.test(name))) {
    const facts = factsOf(digests, undefined);
    return send({ kind: 'done', job, tone: 'open', text: NO_LORA, milliseconds: hashing, facts, offer: null });
  }
  report('looking up its SHA-256', null);
  const named = await asked(namedRun(base, [digests.file, digests.tensors]));
  const runs = new Map([...claims, ...proven].map(({ runId, run }) => [runId, run] as const));
  if (typeof named !== 'string') for (const [runId, run] of named) runs.set(runId, run);

  const { roots, without, milliseconds } = rootsBy(file, runs, report);
  report('looking up its commitment', null);
  const { outcome, root } = await concluded(file, roots, without, typeof named === 'string' ? named : null);
  const { tone, title, run, shown } = outcome;
  const facts = [...factsOf(digests, root), ...(run === null ? [] : runFacts(run))];
  const unknown = typeof named !== 'string' && named.size === 0;
  const offer = unknown && shown !== null ? ({ kind: 'file', runId: shown } as const) : null;
  send({ kind: 'done', job, tone, text: title, milliseconds: hashing + milliseconds, facts, offer });
  send({ kind: 'outcome', outcome });
}
