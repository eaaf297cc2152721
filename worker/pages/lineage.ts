/** Where an adapter comes from: the chain of proofs, the records before and after it, and who signed. */
import { html } from 'hono/html';

import { counted, stepRange } from '../../api/words.ts';
import type { Html } from './layout.ts';
import { code, shortLink, time } from './parts.ts';
import type { AdapterRun, Run } from './verdict.ts';

type Segment = Run['segments'][number];
type Signed = { readonly attester: string; readonly attestation: { readonly issuedAt: string } };

/** Segments listed before the rest is left to the JSON. */
const MOST_SEGMENTS = 100;

/** The told chain where there is one, else all segments. */
function told({ segments, final }: Run): readonly Segment[] {
  if (final === null) return segments;
  const chain = final.proofs.map((digest) =>
    segments.find((s) => s.proofDigest === digest && s.verifier === final.verifier),
  );
  return chain.filter((s) => s !== undefined);
}

function segmentItem(segment: Segment, before: Segment | undefined): Html {
  const { first, steps, proofDigest, adapterIn, adapterOut, momentsIn, receivedAt } = segment;
  const joins =
    before === undefined
      ? first === 0
      : before.first + before.steps === first && before.adapterOut === adapterIn && before.momentsOut === momentsIn;
  return html`${joins ? '' : html`<li class="gap">Here the chain is broken.</li>`}
    <li>
      <span class="what">${stepRange({ first, steps })}</span>
      <span>proof ${shortLink(proofDigest, 'proof')}, verified ${time(receivedAt)}</span>
      <span>leads to adapter ${shortLink(adapterOut, 'adapter root')}</span>
    </li>`;
}

/** Known here where the run that the record is of was submitted here too. */
const recordLink = (record: string): Html => html`<a href="/?q=${record}">${code(record)}</a>`;

function records({ anchor }: AdapterRun): Html {
  if (anchor === null) return html``;
  const { successor, parent, record } = anchor;
  return html`<dl class="facts">
    <div>
      <dt>Record in the registry</dt>
      <dd>${code(record)}</dd>
    </div>
    ${
      parent === null
        ? ''
        : html`<div>
            <dt>Continues the record</dt>
            <dd>${recordLink(parent)}</dd>
          </div>`
    }
    ${
      successor === null
        ? ''
        : html`<div>
            <dt>Superseded by the record</dt>
            <dd>${recordLink(successor)}</dd>
          </div>`
    }
  </dl>`;
}

/** The chain of proofs from the public start to the adapter. */
export function lineageSection(report: Run, run: AdapterRun | null): Html {
  const chain = told(report);
  const shown = chain.slice(0, MOST_SEGMENTS);
  return html`<section aria-labelledby="lineage">
    <h2 id="lineage">Lineage</h2>
    <p>
      Steps are counted from 0. A proof starts from the adapter at which the one before it ends; the first starts from
      the adapter that everybody can draw from the run’s own seed.
    </p>
    <ol class="chain">
      <li>
        <span class="what">start</span>
        <span>run ${shortLink(report.runId, 'run')}, initial adapter drawn from its seed</span>
      </li>
      ${shown.map((segment, i) => segmentItem(segment, shown[i - 1]))}
    </ol>
    ${
      chain.length > shown.length
        ? html`<p class="quiet">
            ${counted(chain.length - shown.length, 'more proof')}; <a href="/runs/${report.runId}">the JSON</a> lists
            them all.
          </p>`
        : ''
    }
    ${run === null ? '' : records(run)}
  </section>`;
}

/** Why nobody signed for a run. */
export function unsignedRun(final: Run['final']): string {
  if (final === null) return 'only whole runs are signed for';
  return final.withdrawn === null
    ? 'this service has no key that signs'
    : 'what a withdrawn verifier accepted is not signed for';
}

/** Who signed, and when. @param why nobody did, where nobody did */
export function attestationSection(signed: readonly Signed[], why: string): Html {
  return html`<section aria-labelledby="attestations">
    <h2 id="attestations">Who signed for it</h2>
    ${
      signed.length === 0
        ? html`<p>Nobody: ${why}.</p>`
        : html`<ul class="plain">
              ${signed.map(
                ({ attester, attestation }) =>
                  html`<li>${code(attester)}, for the verification of ${time(Number(attestation.issuedAt))}</li>`,
              )}
            </ul>
            <p class="quiet">
              <a href="/verifiers">Which keys this service signs with</a>, and from when until when, it says itself.
              Compare that with what you know of it from elsewhere.
            </p>`
    }
  </section>`;
}
