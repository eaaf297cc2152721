/** The worker: verifies proofs, stores them, attests, and tells about runs and adapters. */
import { Hono } from 'hono';
import { cors } from 'hono/cors';

import type { AppTypes } from './env.ts';
import { notFound, Problem, problemOf } from './problems.ts';
import { aboutRoutes } from './routes/about.ts';
import { adapterRoutes } from './routes/adapters.ts';
import { proofRoutes } from './routes/proofs.ts';
import { runRoutes } from './routes/runs.ts';
import { verifyRoutes } from './routes/verify.ts';

const app = new Hono<AppTypes>();

// Whoever builds a page on this service reads from a browser; writing from other origins is not offered.
const readable = cors({ origin: '*', allowMethods: ['GET', 'HEAD'], exposeHeaders: ['etag'], maxAge: 86_400 });
app.on(['GET', 'OPTIONS'], '*', readable);

app.route('/', aboutRoutes);
app.route('/', verifyRoutes);
app.route('/', proofRoutes);
app.route('/', runRoutes);
app.route('/', adapterRoutes);

app.all('/verify', () => {
  const next = 'POST the proof file to /verify.';
  const headers = { allow: 'POST' };
  throw new Problem(405, { code: 'METHOD', detail: 'This route takes POST alone.', next, headers });
});

app.notFound((c) =>
  notFound(`There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`, 'GET / lists the routes.').toResponse(),
);
app.onError((error) => problemOf(error).toResponse());

export default app;
