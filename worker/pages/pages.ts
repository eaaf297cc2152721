/** The pages: without a look-up, of an adapter, of a run, of a proof, and of what is not known. */
import { html } from 'hono/html';

import type { Problem } from '../../api/client.ts';
import { byteCount, counted, stepRange, type Fact } from '../../api/words.ts';
import { page, type Html } from './layout.ts';
import { attestationSection, lineageSection, unsignedRun } from './lineage.ts';
import { factList } from './parts.ts';
import { questionSection } from './questions.ts';
import { againSection, filesSection, machineSection, notStatedSection, runSection, type RawLink } from './sections.ts';
import {
  adapterVerdict,
  principalRun,
  proofVerdict,
  runVerdict,
  verdictSection,
  type Adapter,
  type Proof,
  type Run,
} from './verdict.ts';

const OWN_FILES = 'Check your own file';

/** The page without a look-up. */
export function homePage(): Html {
  const body = html`<section class="lead">
      <h1>Where does this adapter come from?</h1>
      <p>
        A LoRA adapter is a small file that changes how a language model behaves. Its maker can say anything about how
        it was made. Here they prove it: which base model, which data, which settings, and every training step in
        between.
      </p>
    </section>
    ${filesSection('Check a file yourself')}
    <section aria-labelledby="how">
      <h2 id="how">How it works</h2>
      <ol class="how">
        <li><b>Declare.</b> The trainer commits to a base model, training data and settings before the first step.</li>
        <li><b>Prove.</b> Their machine trains in whole numbers and makes a proof of each range of steps.</li>
        <li>
          <b>Verify.</b> Anybody checks a proof in a fraction of a second, without the data and without trusting the
          trainer. This service does, and so can your browser.
        </li>
        <li>
          <b>Look up.</b> From the file in your hands to the run that it came out of, with evidence for each answer.
        </li>
      </ol>
    </section>
    ${notStatedSection()}`;
  const description = 'Look up a LoRA adapter, or check a proof or adapter file in your own browser.';
  return page({ title: 'Where does this adapter come from?', description, query: '', body });
}

/** What an adapter comes to; `report` is that of the run which its status rests on. */
export function adapterPage(adapter: Adapter, report: Run, origin: string): Html {
  const run = principalRun(adapter);
  const verdict = adapterVerdict(adapter);
  const { id, adapterRoot } = adapter;
  const proofs = report.final?.proofs ?? report.segments.map((s) => s.proofDigest);
  const links: RawLink[] = [
    { href: `/adapters/${id}`, text: 'This adapter as JSON' },
    { href: `/runs/${report.runId}`, text: 'Its run as JSON' },
    ...proofs.slice(0, 20).map((digest, i) => ({
      href: `/proofs/${digest}/raw`,
      text: `Proof ${i + 1} of ${proofs.length}, the bytes`,
    })),
  ];
  const ids: Fact[] = [
    { term: 'Adapter root', value: adapterRoot, kind: 'digest' },
    { term: 'Run', value: report.runId, kind: 'digest' },
    ...adapter.files
      .slice(0, 5)
      .map(({ file }) => ({ term: 'SHA-256 of a file', value: file, kind: 'digest' }) as const),
  ];
  const ends = run.isFinal ? adapterRoot : null;
  const body = html`${verdictSection(verdict)}
  ${againSection({ kind: 'run', id: report.runId, adapterRoot: ends, proofs: proofs.length })}
  ${questionSection(adapter)} ${runSection(report.run, report.losses)}
  ${
    adapter.runs.length + adapter.moreRuns > 1
      ? html`<p class="quiet">
          ${counted(adapter.runs.length + adapter.moreRuns, 'run')} end at this adapter; this page is about the one that
          counts.
        </p>`
      : ''
  }
  ${lineageSection(report, run)} ${attestationSection(run.final?.attestations ?? [], unsignedRun(run.final))}
  ${filesSection(OWN_FILES)} ${machineSection({ ids, links, origin, badge: id })} ${notStatedSection()}`;
  return page({ title: verdict.title, description: 'What is proven about an adapter.', query: id, body });
}

/** What a run comes to. */
export function runPage(report: Run, origin: string): Html {
  const verdict = runVerdict(report);
  const { runId, final, segments } = report;
  const body = html`${verdictSection(verdict)}
  ${againSection({ kind: 'run', id: runId, adapterRoot: final?.adapterRoot ?? null, proofs: final?.proofs.length ?? segments.length })}
  ${runSection(report.run, report.losses)} ${lineageSection(report, null)}
  ${attestationSection(final?.attestations ?? [], unsignedRun(final))} ${filesSection(OWN_FILES)}
  ${machineSection({
    ids: [{ term: 'Run', value: runId, kind: 'digest' }],
    links: [{ href: `/runs/${runId}`, text: 'This run as JSON' }],
    origin,
    badge: final?.adapterRoot ?? null,
  })}
  ${notStatedSection()}`;
  return page({ title: verdict.title, description: 'What is proven about a training run.', query: runId, body });
}

/** A segment's part of the statement, as far as its page tells it. */
interface Segment {
  readonly first: number;
  readonly steps: number;
  readonly adapterOut: string;
  readonly counts: readonly number[];
  readonly losses: readonly number[] | null;
}

/** Statements publish summed losses in nats at scale 2^10. */
const meanLosses = ({ first, counts, losses }: Segment) =>
  (losses ?? []).map((sum, i) => ({ step: first + i, loss: sum / counts[i] / 1024 }));

/** What a proof comes to. */
export function proofPage(proof: Proof, origin: string): Html {
  const verdict = proofVerdict(proof);
  const { proofDigest, proofBytes, runId, statement, verifier, statementHash } = proof;
  const segment = statement.segment as unknown as Segment;
  const facts = [
    { term: 'Proves', value: stepRange(segment), kind: 'text' },
    { term: 'Size', value: byteCount(proofBytes), kind: 'text' },
    { term: 'SHA-256', value: proofDigest, kind: 'digest' },
    { term: 'Statement hash', value: statementHash, kind: 'digest' },
    { term: 'Run', value: runId, kind: 'digest' },
    { term: 'Leads to adapter', value: segment.adapterOut, kind: 'digest' },
    { term: 'Verified by', value: `${verifier.id} ${verifier.version}`, kind: 'text' },
  ] as const;
  const links = [
    { href: `/proofs/${proofDigest}`, text: 'This proof’s record as JSON' },
    { href: `/proofs/${proofDigest}/raw`, text: `The proof, ${byteCount(proofBytes)}` },
    { href: `/?q=${runId}`, text: 'The run that it belongs to' },
  ];
  const body = html`${verdictSection(verdict)}
    ${againSection({ kind: 'proof', id: proofDigest, adapterRoot: null, proofs: 1 })}
    <section aria-labelledby="proof">
      <h2 id="proof">What it proves</h2>
      ${factList(facts)}
    </section>
    ${runSection(statement.run, meanLosses(segment))}
    ${attestationSection(
      proof.attestations,
      proof.withdrawn === null
        ? 'this service has no key that signs'
        : 'what a withdrawn verifier accepted is not signed for',
    )}
    ${filesSection(OWN_FILES)} ${machineSection({ ids: [], links, origin, badge: null })} ${notStatedSection()}`;
  return page({ title: verdict.title, description: 'What a proof shows.', query: proofDigest, body });
}

/** Nothing is known by this id. */
export function unknownPage(id: string): Html {
  const body = html`${verdictSection({
      tone: 'open',
      title: 'Nothing is known here by this id',
      sentences: [
        html`No adapter, run, record or proof with the id <code class="hex">${id}</code> is stored at this service. That
          says nothing about the file itself: it may be proven elsewhere, or not shown here yet.`,
      ],
    })}
    <section aria-labelledby="next">
      <h2 id="next">What you can do</h2>
      <ul>
        <li>Compare the digits with where you have them from; one wrong digit names another thing.</li>
        <li>
          The SHA-256 of an adapter file is known only after somebody showed the file here. Its adapter root is known
          from the proofs alone: it stands as <code>adapterRoot</code> in the <code>zklora.json</code> beside the file.
        </li>
        <li>Check the file below: its commitment is computed in your browser and looked up by that.</li>
        <li>If you have the proofs, submit them: <code>./zklora submit RUN --to ADDRESS</code>.</li>
      </ul>
    </section>
    ${filesSection(OWN_FILES)}`;
  return page({ title: 'Nothing is known here by this id', description: 'An unknown id.', query: id, body });
}

/** What was typed is no id. */
export function malformedPage(query: string): Html {
  const shown = query.length > 80 ? `${query.slice(0, 80)}…` : query;
  const body = html`${verdictSection({
    tone: 'open',
    title: 'That is no id',
    sentences: [
      html`Ids here are 64 hexadecimal digits: 0 to 9 and a to f. “${shown}” is something else.`,
      html`Adapters are not looked up by name, owner or address: a name proves nothing. Take the SHA-256 of the file, or
      drop the file below.`,
    ],
  })}
  ${filesSection(OWN_FILES)}`;
  return page({ title: 'That is no id', description: 'A look-up that is no id.', query: shown, body });
}

/** The service could not answer. */
export function problemPage({ detail, next, code }: Pick<Problem, 'detail' | 'next' | 'code'>, query: string): Html {
  const title = 'That could not be answered';
  const body = verdictSection({
    tone: 'open',
    title,
    sentences: [html`${detail}`, html`${next}`, html`<span class="quiet">${code}</span>`],
  });
  return page({ title, description: 'The service could not answer.', query, body });
}
