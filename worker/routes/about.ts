import { sourcesOf } from '../answers/sources.ts';
import { verifiersAnswer } from '../answers/verifiers.ts';
import { FRESH } from '../caching.ts';
import { declared, routes } from '../serve.ts';

/** GET /healthz and /verifiers. */
export const aboutRoutes = routes()
  .openapi(declared('health'), (c) => c.json({ ok: true as const }, 200, { 'cache-control': 'no-store' }))
  .openapi(declared('verifiers'), async (c) => {
    const verifiers = await verifiersAnswer(await sourcesOf(c.env));
    return c.json(verifiers, 200, { 'cache-control': FRESH.slow });
  });
