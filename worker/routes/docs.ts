import type { OpenAPIHono } from '@hono/zod-openapi';

import { FRESH } from '../caching.ts';
import type { AppTypes } from '../env.ts';
import { openApi } from '../openapi.ts';
import { referencePage, referencePolicy } from '../pages/reference.ts';
import { declared, routes } from '../serve.ts';

/** GET /openapi.json and /docs. @param app whose routes are described */
export const docsRoutes = (app: OpenAPIHono<AppTypes>) =>
  routes()
    .openapi(declared('openapi'), (c) => {
      const document = openApi(app, new URL(c.req.url).origin);
      return c.json({ ...document, openapi: '3.1.0' as const }, 200, { 'cache-control': FRESH.deployed });
    })
    .openapi(declared('docs'), async (c) =>
      c.html(referencePage(), 200, {
        'content-security-policy': await referencePolicy(),
        'referrer-policy': 'no-referrer',
        'cache-control': FRESH.deployed,
      }),
    );
