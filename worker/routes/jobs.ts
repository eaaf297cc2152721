import { readJob } from '../jobs.ts';
import { notFound } from '../problems.ts';
import { declared, routes } from '../serve.ts';

/** GET /jobs/{id}: how far a verification is that did not fit one request. */
export const jobRoutes = routes().openapi(declared('job'), async (c) => {
  const { id } = c.req.valid('param');
  const job = await readJob(id, c.env);
  if (job === null)
    throw notFound(
      `There is no job ${id}.`,
      'Submit the proof: POST /verify answers where its job is, if it needs one.',
    );
  return c.json(job, 200, { 'cache-control': 'no-store' });
});
