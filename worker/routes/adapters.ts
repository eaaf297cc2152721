import { adapterId } from '../../api/routes.ts';
import { adapterAnswer } from '../answers/adapter.ts';
import { badgeSvg } from '../answers/badge.ts';
import { lookupAnswer } from '../answers/lookup.ts';
import { sourcesOf } from '../answers/sources.ts';
import { FRESH } from '../caching.ts';
import { requireRate } from '../limits/rate.ts';
import { invalid, notFound } from '../problems.ts';
import { declared, routes } from '../serve.ts';

/** POST /adapters/lookup, GET /adapters/{id} and GET /badge/{id}.svg. */
export const adapterRoutes = routes()
  .openapi(declared('lookup'), async (c) => {
    await requireRate(c, null, 'lookup');
    const { ids } = c.req.valid('json');
    return c.json(await lookupAnswer(ids, c.env), 200, { 'cache-control': 'no-store' });
  })
  .openapi(declared('adapter'), async (c) => {
    const { id } = c.req.valid('param');
    const adapter = await adapterAnswer(id, await sourcesOf(c.env));
    if (adapter === null) {
      const next =
        'Compute the root with ./zklora check, submit the proofs of its run (POST /verify), or show its file (POST /runs/{id}/files).';
      throw notFound(
        `${id} names no adapter: neither a root at which a stored proof ends, nor a shown file, nor the record of a complete run.`,
        next,
      );
    }
    return c.json(adapter, 200, { 'cache-control': FRESH.state });
  });

// Hono's parameters are whole segments of a path, so that this one is taken apart here.
adapterRoutes.openAPIRegistry.registerPath(declared('badge'));
adapterRoutes.get('/badge/:file{[^/]+\\.svg}', async (c) => {
  const { data: id, error } = adapterId.safeParse(c.req.param('file').replace(/\.svg$/, ''));
  if (id === undefined) throw invalid('param', [{ path: ['id'], message: error.issues[0].message }]);
  const { answers } = await lookupAnswer([id], c.env);
  return c.body(badgeSvg(answers[0].status), 200, {
    'content-type': 'image/svg+xml; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'cache-control': FRESH.badge,
  });
});
