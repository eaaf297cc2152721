/** The page at /docs: Swagger UI from this worker's own assets, or a plain list for whoever runs no scripts. */
import { html, raw } from 'hono/html';

import { PROBLEM_CODES } from '../../api/problem-codes.ts';
import type { Route } from '../../api/describe.ts';
import { ROUTES } from '../../api/routes.ts';
import { SUMMARY, TITLE } from '../openapi.ts';

/** The only script of the page itself; the policy names its hash. */
const START = `SwaggerUIBundle({url:'/openapi.json',dom_id:'#reference',deepLinking:true,validatorUrl:null});`;

/** Base64 of the SHA-256 of an inline script. */
async function hashOf(script: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** The policy under which the page runs: nothing from elsewhere, no inline script but the one that starts it. */
export async function referencePolicy(): Promise<string> {
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${await hashOf(START)}'`,
    "style-src 'self'",
    // Swagger UI's style sheet has its icons in data URLs.
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const routeItem = ({ method, path, summary, description }: Route) =>
  html`<li>
    <code>${method.toUpperCase()} ${path}</code>: ${summary}${description === undefined ? '' : `. ${description}`}
  </li>`;

const codeItem = ([code, meaning]: [string, string]) =>
  html`<dt><code>${code}</code></dt>
    <dd>${meaning}</dd>`;

/** The page. */
export function referencePage() {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${TITLE}: reference</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/swagger-ui.css" />
      </head>
      <body>
        <main>
          <div id="reference">
            <noscript>
              <h1>${TITLE}</h1>
              <p>${SUMMARY}</p>
              <p>The whole description is <a href="/openapi.json">/openapi.json</a>, OpenAPI 3.1.</p>
              <h2>Routes</h2>
              <ul>
                ${(Object.values(ROUTES) as Route[]).map(routeItem)}
              </ul>
            </noscript>
          </div>
          <section class="swagger-ui">
            <div class="wrapper renderedMarkdown">
              <h2>Problem codes</h2>
              <dl>${Object.entries(PROBLEM_CODES).map(codeItem)}</dl>
            </div>
          </section>
        </main>
        <script src="/assets/swagger-ui-bundle.js"></script>
        ${raw(`<script>${START}</script>`)}
      </body>
    </html>`;
}
