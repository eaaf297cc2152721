/** The frame of every page. Everything that is put into a template is escaped by `hono/html`. */
import { html } from 'hono/html';

/** HTML whose values are escaped. */
export type Html = ReturnType<typeof html>;

export interface PageOptions {
  /** Of the window, before the name of the project. */
  readonly title: string;
  /** What search engines and previews show. */
  readonly description: string;
  /** What was looked up, shown in the search box. */
  readonly query: string;
  readonly body: Html;
}

/** The search box: a plain form, so that looking up needs no script. */
export function searchForm(query: string): Html {
  return html`<form class="search" role="search" action="/" method="get">
    <label for="q">Look up an adapter, a run or a proof</label>
    <div class="search-row">
      <input
        id="q"
        name="q"
        type="search"
        value="${query}"
        required
        maxlength="300"
        autocomplete="off"
        autocapitalize="none"
        spellcheck="false"
        placeholder="64 hexadecimal digits"
        aria-describedby="q-hint"
      />
      <button type="submit">Look up</button>
    </div>
    <p class="hint" id="q-hint">
      An adapter root, the SHA-256 of an adapter file or of its tensors, a run id, or the SHA-256 of a proof.
    </p>
  </form>`;
}

const HEADER = html`<header class="top">
  <a class="brand" href="/">zkLoRA</a>
  <nav aria-label="This service">
    <a href="/docs">API</a>
    <a href="/verifiers">Verifiers (JSON)</a>
  </nav>
</header>`;

const FOOTER = html`<footer>
  <p>
    zkLoRA proves that a LoRA adapter came out of a declared fine-tuning run. This page loads nothing from anywhere but
    this service, and sets no cookie.
  </p>
</footer>`;

/** A whole page. */
export function page({ title, description, query, body }: PageOptions): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · zkLoRA</title>
        <meta name="description" content="${description}" />
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/page.css" />
        <script type="module" src="/assets/page.js"></script>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        ${HEADER}
        <main id="content" tabindex="-1">${searchForm(query)} ${body}</main>
        ${FOOTER}
      </body>
    </html>`;
}
