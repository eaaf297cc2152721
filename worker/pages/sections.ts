/** Sections that several pages have: verifying again, checking own files, links for machines, what is not stated. */
import { html } from 'hono/html';

import { NOT_STATED, runFacts, type Fact } from '../../api/words.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import { lossCurve } from './loss-curve.ts';
import type { Html } from './layout.ts';
import { factList } from './parts.ts';

/** What a browser is to verify again. */
export interface Target {
  readonly kind: 'run' | 'proof';
  /** Run id, or SHA-256 of the proof. */
  readonly id: string;
  /** The adapter that the run is said to end at; null: whichever it is. */
  readonly adapterRoot: string | null;
  readonly proofs: number;
}

/** The button that verifies everything again in the reader's browser; site/again.ts brings it to life. */
export function againSection({ kind, id, adapterRoot, proofs }: Target): Html {
  return html`<section class="again" aria-labelledby="again-title">
    <h2 id="again-title">Don’t take this service’s word for it</h2>
    <p>
      Your browser can fetch ${proofs === 1 ? 'the proof' : `the ${proofs} proofs`} and verify
      ${proofs === 1 ? 'it' : 'each of them'} itself, with the same code that this service runs. It takes a moment.
    </p>
    <div
      class="needs-script"
      id="again"
      data-kind="${kind}"
      data-id="${id}"
      data-adapter="${adapterRoot ?? ''}"
      data-proofs="${proofs}"
    >
      <p class="actions"><button type="button" class="primary" disabled>Verify again in this browser</button></p>
      <div class="output"></div>
    </div>
    <noscript
      ><p>
        That needs JavaScript. Without it, <code>./zklora verify</code> does the same with downloaded proofs.
      </p></noscript
    >
    <p class="quiet">
      The verifying code came from this service too. Who wants to rely on nobody takes the project’s source and runs
      <code>./zklora check</code> on the adapter’s folder.
    </p>
  </section>`;
}

/** Where files are dropped; site/files.ts brings it to life. */
export function filesSection(heading: string): Html {
  return html`<section class="files" aria-labelledby="files-title">
    <h2 id="files-title">${heading}</h2>
    <p>
      Drop proof files, an <code>adapter_model.safetensors</code>, its <code>zklora.json</code>, or a whole run folder
      anywhere on this page. Files are checked on your own machine and stay there; of an adapter file, its SHA-256 is
      looked up here.
    </p>
    <div class="needs-script" id="files">
      <div class="choose">
        <label class="button">
          <input type="file" id="choose-files" multiple disabled />
          <span>Choose files</span>
        </label>
        <label class="button">
          <input type="file" id="choose-folder" webkitdirectory disabled />
          <span>Choose a folder</span>
        </label>
        <span class="hint">or drop them here</span>
      </div>
      <div class="output"></div>
    </div>
    <noscript>
      <p>
        That needs JavaScript. Without it, <code>./zklora verify FILE</code> verifies proofs,
        <code>./zklora check DIR</code>
        checks an adapter folder, and the SHA-256 of an adapter file (<code>sha256sum</code>) can be looked up above.
      </p>
    </noscript>
  </section>`;
}

/** What the run declares, and the losses of its proven steps. */
export function runSection(run: unknown, losses: Parameters<typeof lossCurve>[0]): Html {
  const spec = parseRun(run);
  return html`<section aria-labelledby="run">
    <h2 id="run">What was trained</h2>
    ${factList(runFacts(spec))} ${lossCurve(losses, spec.steps, spec.losses === 'hidden')}
  </section>`;
}

/** What no proof states. */
export function notStatedSection(): Html {
  return html`<section aria-labelledby="not-stated">
    <h2 id="not-stated">What is not stated</h2>
    <p>A proof says that declared steps were computed as declared. It does not say:</p>
    <ul>
      ${NOT_STATED.map((item) => html`<li>${item}.</li>`)}
    </ul>
  </section>`;
}

/** A link for machines. */
export interface RawLink {
  readonly href: string;
  readonly text: string;
}

function badge(origin: string, id: string): Html {
  const snippet = `[![zkLoRA](${origin}/badge/${id}.svg)](${origin}/?q=${id})`;
  return html`<p><img class="badge" src="/badge/${id}.svg" alt="The badge of this adapter" height="20" /></p>
    <p>In Markdown, for a model card:</p>
    <div class="snippet">
      <pre tabindex="0" role="region" aria-label="Badge in Markdown"><code id="badge-snippet">${snippet}</code></pre>
      <button type="button" class="needs-script" data-copy="badge-snippet" disabled>Copy</button>
    </div>`;
}

export interface ForMachines {
  readonly ids: readonly Fact[];
  readonly links: readonly RawLink[];
  /** Of this service. */
  readonly origin: string;
  /** Id of the adapter whose badge is shown, or null. */
  readonly badge: string | null;
}

/** Ids, raw links, and the badge of an adapter. */
export function machineSection({ ids, links, origin, badge: adapter }: ForMachines): Html {
  return html`<section aria-labelledby="machines">
    <h2 id="machines">For machines</h2>
    ${ids.length === 0 ? '' : factList(ids)}
    <ul class="plain">
      ${links.map(({ href, text }) => html`<li><a href="${href}">${text}</a></li>`)}
    </ul>
    ${adapter === null ? '' : badge(origin, adapter)}
  </section>`;
}
