import { adapterAnswer } from '../answers/adapter.ts';
import { proofAnswer } from '../answers/proof.ts';
import { runAnswer } from '../answers/run.ts';
import { sourcesOf, type Sources } from '../answers/sources.ts';
import type { Env } from '../env.ts';
import type { Html } from '../pages/layout.ts';
import { adapterPage, homePage, malformedPage, problemPage, proofPage, runPage, unknownPage } from '../pages/pages.ts';
import { PAGE_HEADERS } from '../pages/security.ts';
import { principalRun } from '../pages/verdict.ts';
import { problemOf } from '../problems.ts';
import { declared, routes } from '../serve.ts';

/** What was typed, as an id: with or without 0x, in capitals, or the address of one of this service's answers. */
export function idIn(query: string): string | null {
  const [id] = /(?<![0-9a-zA-Z])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-zA-Z])/.exec(query) ?? [];
  return id === undefined ? null : id.slice(-64).toLowerCase();
}

/** Adapters come first: a root is never another thing's digest. */
async function pageOf(id: string, origin: string, sources: Sources): Promise<Html | null> {
  const adapter = await adapterAnswer(id, sources);
  if (adapter !== null) {
    const run = await runAnswer(principalRun(adapter).runId, sources);
    if (run !== null) return adapterPage(adapter, run, origin);
  }
  const run = await runAnswer(id, sources);
  if (run !== null) return runPage(run, origin);
  const proof = await proofAnswer(id, sources);
  return proof === null ? null : proofPage(proof, origin);
}

interface Answer {
  readonly status: 200 | 400 | 404 | 500 | 503;
  readonly html: Html;
}

/** People get a page for every failure too. */
async function answer(query: string, origin: string, env: Env): Promise<Answer> {
  if (query === '') return { status: 200, html: homePage() };
  const id = idIn(query);
  if (id === null) return { status: 400, html: malformedPage(query) };
  try {
    const html = await pageOf(id, origin, await sourcesOf(env));
    return html === null ? { status: 404, html: unknownPage(id) } : { status: 200, html };
  } catch (error) {
    const { status, details } = problemOf(error);
    return { status: status === 503 ? 503 : 500, html: problemPage(details, query) };
  }
}

/** GET /: the page for people. Machines find the description of the service by its Link header. */
export const pageRoutes = routes().openapi(declared('page'), async (c) => {
  const { status, html } = await answer((c.req.valid('query').q ?? '').trim(), new URL(c.req.url).origin, c.env);
  return c.html(html, status, PAGE_HEADERS);
});
