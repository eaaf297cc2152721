/** The worker: verifies proofs, stores them, attests, and tells about runs and adapters. */
import { app } from './app.ts';

export default { fetch: app.fetch };
