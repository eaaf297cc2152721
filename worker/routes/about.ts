import { Hono } from 'hono';

import { addressOf } from '../attest.ts';
import { attesterKey, maxProofBytes, type AppTypes } from '../env.ts';
import { currentVerifier } from '../version.ts';

const ROUTES = {
  'POST /verify': 'verify one segment proof (application/octet-stream) and store it',
  'GET /proofs/{sha256}': 'the record of a proof',
  'GET /proofs/{sha256}/raw': 'the bytes of a proof',
  'GET /runs/{id}': 'segments of a run, whether they chain, and its final adapter',
  'GET /adapters/{root}': 'runs with a segment that ends at an adapter root',
  'GET /verifiers': 'verifier version and attesting address',
  'GET /healthz': 'whether the worker answers',
};

/** GET /, /healthz and /verifiers. */
export const aboutRoutes = new Hono<AppTypes>()
  .get('/', (c) => c.json({ name: 'zkLoRA', routes: ROUTES, maxProofBytes: maxProofBytes(c.env) }))
  .get('/healthz', (c) => c.json({ ok: true }))
  .get('/verifiers', (c) => {
    const key = attesterKey(c.env);
    return c.json({ verifiers: [currentVerifier()], attester: key === null ? null : addressOf(key) });
  });
