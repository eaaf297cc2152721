import { runAnswer } from '../answers/run.ts';
import { sourcesOf } from '../answers/sources.ts';
import { FRESH } from '../caching.ts';
import { notFound } from '../problems.ts';
import { declared, routes } from '../serve.ts';

/** GET /runs/{id}: segments present and missing, whether they chain, and the final adapter where they do to the end. */
export const runRoutes = routes().openapi(declared('run'), async (c) => {
  const { id } = c.req.valid('param');
  const run = await runAnswer(id, await sourcesOf(c.env));
  if (run === null) throw notFound(`No proof of run ${id} is stored here.`, 'Submit its proofs: POST /verify.');
  return c.json(run, 200, { 'cache-control': FRESH.state });
});
