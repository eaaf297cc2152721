/** The worker's routes: every one that `api/` declares, and what all of them share. */
import { tagged } from './caching.ts';
import { sendAfterwards } from './events/after.ts';
import { gate } from './gate.ts';
import { countLookups } from './limits/turn.ts';
import { notFound, problemOf } from './problems.ts';
import { aboutRoutes } from './routes/about.ts';
import { adapterRoutes } from './routes/adapters.ts';
import { docsRoutes } from './routes/docs.ts';
import { fileRoutes } from './routes/files.ts';
import { jobRoutes } from './routes/jobs.ts';
import { operatorRoutes } from './routes/operator.ts';
import { pageRoutes } from './routes/page.ts';
import { proofRoutes } from './routes/proofs.ts';
import { runRoutes } from './routes/runs.ts';
import { verifyRoutes } from './routes/verify.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { routes } from './serve.ts';

export const app = routes();

app.use(async (c, next) => {
  await next();
  c.header('x-content-type-options', 'nosniff');
});
app.use(countLookups);
app.use(sendAfterwards);
app.use(gate);
app.use(tagged);

app.route('/', verifyRoutes);
app.route('/', jobRoutes);
app.route('/', fileRoutes);
app.route('/', proofRoutes);
app.route('/', runRoutes);
app.route('/', adapterRoutes);
app.route('/', aboutRoutes);
app.route('/', operatorRoutes);
app.route('/', webhookRoutes);
app.route('/', docsRoutes(app));
app.route('/', pageRoutes);

app.notFound((c) =>
  notFound(
    `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`,
    'GET /docs lists the routes.',
  ).toResponse(),
);
app.onError((error) => problemOf(error).toResponse());
