/**
 * What an adapter file comes to. A root follows from the weights and the run's shape alone, so a zklora.json can name
 * any run of that shape: which run the weights came out of is said by proofs, or by the service that verified them.
 */
import type { Output } from '../../api/client.ts';
import { counted } from '../../api/words.ts';
import type { ProvenRun } from '../../protocol/proven-runs.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { Check, Outcome, Tone } from '../messages.ts';
import type { Claim } from './kinds.ts';

export type KnownAdapter = Output<'adapter'>;

/** An outcome, and the run out of which the weights are shown to come. */
export interface AdapterOutcome extends Outcome {
  readonly run: RunSpec | null;
  /** Id of the run that the service has for these weights: it can index the file. */
  readonly shown: string | null;
}

/** A run of which the file is no adapter. */
export interface RootlessRun {
  readonly runId: string;
  readonly why: string;
}

export interface Findings {
  /** Root of the file. */
  readonly root: string;
  /** The zklora.json beside the file. */
  readonly claim: Claim | null;
  /** Runs of dropped proofs that hold. */
  readonly proven: readonly ProvenRun[];
  /** What the service knows of the root; null: nothing; a text: why it could not be asked. */
  readonly known: KnownAdapter | null | string;
}

const STATUS: Readonly<Record<KnownAdapter['status'], { readonly tone: Tone; readonly text: string }>> = {
  anchored: { tone: 'good', text: 'This service verified the whole run, and its record stands in a registry.' },
  verified: { tone: 'good', text: 'This service verified the whole run.' },
  revoked: { tone: 'bad', text: 'Its owner revoked it.' },
  unknown: { tone: 'open', text: 'This service has no whole run, verified and not withdrawn, that ends at it.' },
};

const short = (digest: string): string => `${digest.slice(0, 8)}…${digest.slice(-8)}`;

/** Runs that are shown to end at the root: by the dropped proofs, then by the service. */
function shownRuns({ root, proven, known }: Findings): Map<string, RunSpec> {
  const runs = new Map<string, RunSpec>();
  for (const { runId, run, report } of proven)
    if (report.chains.some((chain) => chain.adapterRoot === root)) runs.set(runId, run);
  if (known === null || typeof known === 'string' || known.status === 'unknown') return runs;
  for (const { runId, run, isFinal, final } of known.runs)
    if (isFinal && final !== null && final.withdrawn === null && !runs.has(runId)) runs.set(runId, parseRun(run));
  return runs;
}

function claimCheck(claim: Claim, root: string, shown: ReadonlyMap<string, RunSpec>): Check {
  if (claim.adapterRoot !== root)
    return { tone: 'bad', text: 'Its zklora.json names another adapter: these are not those weights.' };
  if (shown.has(claim.runId)) return { tone: 'good', text: 'Its zklora.json names this adapter and this run.' };
  if (shown.size === 0) return { tone: 'open', text: 'Its zklora.json names this adapter, but nothing shows its run.' };
  return {
    tone: 'bad',
    text: `Its zklora.json names run ${short(claim.runId)}, but the run that is shown to end at these weights is ${[...shown.keys()].map(short).join(', ')}.`,
  };
}

function proofCheck(root: string, { runId, run, report }: ProvenRun): Check {
  return report.chains.some((chain) => chain.adapterRoot === root)
    ? {
        tone: 'good',
        text: `The dropped proofs end at it: all ${counted(run.steps, 'step')}, verified on this machine.`,
      }
    : { tone: 'open', text: `The dropped proofs of run ${short(runId)} do not lead to it.` };
}

function serviceCheck(known: Findings['known']): Check {
  if (typeof known === 'string') return { tone: 'open', text: `The service could not be asked. ${known}` };
  return known === null ? { tone: 'open', text: 'No proof that this service has leads to it.' } : STATUS[known.status];
}

/** Of a file whose root is known. */
export function rootOutcome(findings: Findings): AdapterOutcome {
  const { root, claim, proven, known } = findings;
  const shown = shownRuns(findings);
  const checks: Check[] = [
    { tone: 'good', text: `Computed from the weights on this machine: adapter root ${root}.` },
    ...(claim === null ? [] : [claimCheck(claim, root, shown)]),
    ...proven.map((run) => proofCheck(root, run)),
    serviceCheck(known),
  ];
  const [first] = shown;
  const run = first?.[1] ?? null;
  const link =
    known === null || typeof known === 'string'
      ? null
      : { href: `/?q=${root}`, text: 'The evidence, and verifying its proofs in this browser' };
  if (checks.some((check) => check.tone === 'bad')) {
    const text = 'Do not rely on it before you know why.';
    return { tone: 'bad', title: 'Something about this adapter is wrong', text, checks, link, run, shown: null };
  }
  if (first === undefined) {
    const text = 'No whole chain of proofs leads to these weights, here or at this service.';
    return { tone: 'open', title: 'This adapter is not proven', text, checks, link, run, shown: null };
  }
  const [runId, { steps, dataRows }] = first;
  return {
    tone: 'good',
    title: 'This file is a proven adapter',
    text: `Weight for weight, it is the result of run ${short(runId)}: ${counted(steps, 'step')} on ${counted(dataRows, 'row')} of data.`,
    checks,
    link,
    run,
    shown: typeof known === 'string' ? null : (known?.runs.find((each) => shown.has(each.runId))?.runId ?? null),
  };
}

/** Of a safetensors file without the tensors of an adapter. */
export const NO_LORA =
  'This is no LoRA adapter: it has no tensors of one. Perhaps it is a base model, or an adapter merged into one.';

/**
 * Of a file whose root is not known.
 * @param without runs of which it is no adapter
 * @param unasked why the service could not be asked, or null
 */
export function rootlessOutcome(without: readonly RootlessRun[], unasked: string | null): AdapterOutcome {
  const end = { link: null, run: null, shown: null };
  if (without.length > 0) {
    const checks = without.map(({ runId, why }) => ({ tone: 'bad', text: `Run ${short(runId)}: ${why}.` }) as const);
    const text = 'Was it converted, merged or changed? The proven file holds the weights exactly as they were trained.';
    return { tone: 'bad', title: 'This file is not the adapter of that run', text, checks, ...end };
  }
  const text =
    unasked === null
      ? 'Nobody has shown this very file here. Drop its zklora.json or its proofs with it: then its commitment can be computed and looked up.'
      : `Its fingerprint could not be looked up. ${unasked}`;
  return { tone: 'open', title: 'Nothing is known about this file', text, checks: [], ...end };
}
