import { Hono } from 'hono';

import { attestSegment } from '../attestations.ts';
import { attesterKey, type AppTypes } from '../env.ts';
import { hexId, notFound } from '../problems.ts';
import { ProofStore } from '../storage.ts';

const unknownProof = (digest: string) =>
  notFound(`No proof ${digest} is stored here.`, 'Submit it: POST /verify with the proof file as the body.');

/** GET /proofs/{sha256}: record and attestation. GET /proofs/{sha256}/raw: the bytes. */
export const proofRoutes = new Hono<AppTypes>()
  .get('/proofs/:digest', async (c) => {
    const digest = hexId('proof digest', c.req.param('digest'));
    const record = await new ProofStore(c.env.PROOFS).record(digest);
    if (record === null) throw unknownProof(digest);
    c.header('cache-control', 'public, max-age=60');
    return c.json({ verdict: 'valid', ...record, attestation: attestSegment(record, attesterKey(c.env)) });
  })
  .get('/proofs/:digest/raw', async (c) => {
    const digest = hexId('proof digest', c.req.param('digest'));
    const headers = {
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${digest}"`,
    };
    const store = new ProofStore(c.env.PROOFS);
    const known = (c.req.header('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    if ((known.includes(`"${digest}"`) || known.includes('*')) && (await store.has(digest)))
      return c.body(null, 304, headers);
    const object = await store.raw(digest);
    if (object === null) throw unknownProof(digest);
    return c.body(object.body, 200, { ...headers, 'content-length': String(object.size) });
  });
