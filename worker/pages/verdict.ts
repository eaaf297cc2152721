/** The verdict in a sentence or two, for people who are no cryptographers. */
import { html } from 'hono/html';

import type { Output } from '../../api/client.ts';
import { counted, stepRange } from '../../api/words.ts';
import type { Html } from './layout.ts';
import { ranges, shortLink, time } from './parts.ts';

export type Adapter = Output<'adapter'>;
export type AdapterRun = Adapter['runs'][number];
export type Run = Output<'run'>;
export type Proof = Output<'proof'>;

/** `good`: what was asked holds; `bad`: it was taken back; `open`: it is not, or not yet, shown. */
export type Tone = 'good' | 'bad' | 'open';

export interface Verdict {
  readonly tone: Tone;
  readonly title: string;
  readonly sentences: readonly Html[];
}

const MARKS: Readonly<Record<Tone, Html>> = {
  good: html`<path d="M6 12.5l4 4 8-9" />`,
  bad: html`<path d="M7 7l10 10M17 7L7 17" />`,
  open: html`<path d="M6 12h12" />`,
};

/** The verdict at the top of a page. */
export function verdictSection({ tone, title, sentences }: Verdict): Html {
  return html`<section class="verdict ${tone}" aria-labelledby="verdict">
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="11" />
      ${MARKS[tone]}
    </svg>
    <h1 id="verdict">${title}</h1>
    ${sentences.map((sentence) => html`<p>${sentence}</p>`)}
  </section>`;
}

/** The run that the status of an adapter rests on. */
export function principalRun({ kind, status, runs }: Adapter): AdapterRun {
  if (kind === 'record') return runs[0];
  const counts = (run: AdapterRun): boolean => run.final !== null && run.final.withdrawn === null;
  const found =
    status === 'anchored' || status === 'revoked'
      ? runs.find((run) => run.anchor?.status === status)
      : runs.find((run) => (status === 'verified' ? counts(run) : run.isFinal));
  return found ?? runs.find(counts) ?? runs[0];
}

const KINDS: Readonly<Record<Adapter['kind'], string>> = {
  file: 'What you looked up is the SHA-256 of a file. Somebody showed that file to this service, which recomputed from it the commitment that the proofs end at.',
  tensors:
    'What you looked up is the SHA-256 of the tensors in a file. Somebody showed such a file to this service, which recomputed from it the commitment that the proofs end at.',
  record:
    'What you looked up is the id of a record, as a registry keeps it: of one run, as one verifier version verified it. Check your own file below to see whether it is this adapter.',
  root: 'What you looked up is a commitment, not a file. Check your own file below to see whether it is this adapter.',
};

function standing({ status, kind }: Adapter, run: AdapterRun): Verdict {
  const { final, anchor, steps } = run;
  const who = new Set(final?.attestations.map((a) => a.attester)).size;
  const signed = who === 0 ? 'Nobody has signed for it.' : `${counted(who, 'key signs', 'keys sign')} for it.`;
  const all = steps === 1 ? 'Its only step was verified' : `Every one of its ${counted(steps, 'step')} was verified`;
  const sentences = [
    html`${all}${final === null ? '' : html`, the last on ${time(final.completedAt)}`}, and each follows from the one
    before. ${signed}`,
  ];
  if (status === 'anchored' && anchor !== null && anchor.anchoredAt !== null)
    sentences.push(html`Its record stands in a registry on chain ${anchor.chainId} since ${time(anchor.anchoredAt)}.`);
  if (anchor?.status === 'superseded')
    sentences.push(html`Its owner has since put another adapter in its place; see its lineage below.`);
  return {
    tone: 'good',
    title: 'This adapter came out of the declared training run',
    sentences: [...sentences, html`${KINDS[kind]}`],
  };
}

function revoked(run: AdapterRun): Verdict {
  const own = run.anchor?.status === 'revoked';
  const since = own ? (run.anchor?.endedAt ?? null) : null;
  return {
    tone: 'bad',
    title: 'This adapter was revoked',
    sentences: [
      html`Its owner took ${own ? 'its record' : 'another record of it'}
      back${since === null ? '' : html` on ${time(since)}`}.`,
      html`The proofs still show where it came from; its owner does not stand by it any more. Don’t use it before you
      know why.`,
    ],
  };
}

/** Why a verifier version counts no more. */
function withdrawn({ at, reason }: { readonly at: number; readonly reason: string }): Html {
  return html`The verifier version that accepted it was withdrawn on ${time(at)}: “${reason}”. Until its proofs are
  verified again by another version, they count for nothing.`;
}

function notShown(run: AdapterRun): Verdict {
  const link = shortLink(run.runId, 'run');
  const title = 'This adapter is not verified';
  const since = run.final?.withdrawn ?? null;
  if (since !== null) return { tone: 'open', title, sentences: [withdrawn(since)] };
  if (run.complete)
    return {
      tone: 'open',
      title: 'This is not the result of its run',
      sentences: [html`It stands somewhere in the middle of run ${link}, which goes on from it to another adapter.`],
    };
  const proven = run.proofs.map(stepRange).join(', ');
  return {
    tone: 'open',
    title,
    sentences: [
      html`A stored proof leads to it (${proven} of ${counted(run.steps, 'step')}, counted from 0), but run ${link} is
      not proven from its first step to its last. What is missing is listed below.`,
    ],
  };
}

/** What an adapter's status comes to. */
export function adapterVerdict(adapter: Adapter): Verdict {
  const run = principalRun(adapter);
  if (adapter.status === 'revoked') return revoked(run);
  return adapter.status === 'unknown' ? notShown(run) : standing(adapter, run);
}

/** Why a run is not complete. */
export function stopWords({ stop, reached, missing, run }: Run): Html {
  const steps = String(run.steps);
  const gaps = missing.length === 0 ? '' : html` Steps without a proof: ${ranges(missing)}.`;
  const why = {
    missing: html`No stored proof starts at step ${reached}.`,
    roots: html`The proof that starts at step ${reached} starts from another adapter than the one that the steps before
    it lead to.`,
    verifier: html`The steps from ${reached} on were verified by another version of the verifier than those before;
    submit the proofs again.`,
  };
  return html`Proofs chain from step 0 to step ${reached} of ${steps}. ${stop === null ? '' : why[stop]}${gaps}`;
}

/** Whether a run is complete. */
export function runVerdict(report: Run): Verdict {
  const { final } = report;
  if (final === null)
    return { tone: 'open', title: 'This training run is not complete', sentences: [stopWords(report)] };
  if (final.withdrawn !== null)
    return { tone: 'open', title: 'This training run is not verified', sentences: [withdrawn(final.withdrawn)] };
  return {
    tone: 'good',
    title: 'This training run is complete',
    sentences: [
      html`Every step was verified, the last on ${time(final.completedAt)}, and each follows from the one before. It
      ends at adapter ${shortLink(final.adapterRoot, 'adapter root')}.`,
    ],
  };
}

/** Whether a proof counts. */
export function proofVerdict({ statement, runId, receivedAt, withdrawn: since, soundnessBits }: Proof): Verdict {
  const { first, steps } = statement.segment as { first: number; steps: number };
  const of = html`${stepRange({ first, steps })} of run ${shortLink(runId, 'run')} (counted from 0)`;
  if (since !== null)
    return {
      tone: 'open',
      title: 'This proof counts no more',
      sentences: [html`It is about ${of}.`, withdrawn(since)],
    };
  return {
    tone: 'good',
    title: 'This proof holds',
    sentences: [
      html`It shows that ${of} were computed as declared: from the adapter before them to the one after them.`,
      html`It was verified here on ${time(receivedAt)}. Forging such a proof would take about 2<sup
          >${Math.floor(soundnessBits)}</sup
        >
        attempts.`,
    ],
  };
}
