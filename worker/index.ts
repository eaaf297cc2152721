/** The worker: verifies proofs, stores them, attests, and tells about runs and adapters. */
import { app } from './app.ts';
import type { Env } from './env.ts';
import { consume } from './events/consume.ts';
import { scheduled } from './scheduled.ts';

export { VerificationJob } from './verification-job.ts';

export default {
  fetch: app.fetch,
  queue: (batch, env) => consume(batch, env),
  scheduled: (_, env) => scheduled(env),
} satisfies ExportedHandler<Env>;
