import { proofAnswer } from '../answers/proof.ts';
import { sourcesOf } from '../answers/sources.ts';
import { FRESH } from '../caching.ts';
import { notFound } from '../problems.ts';
import { declared, routes } from '../serve.ts';
import { Store } from '../store/store.ts';

const unknownProof = (digest: string) =>
  notFound(`No proof ${digest} is stored here.`, 'Submit it: POST /verify with the proof file as the body.');

const isNamed = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));

/** GET /proofs/{sha256}: record and attestations. GET /proofs/{sha256}/raw: the bytes. */
export const proofRoutes = routes()
  .openapi(declared('proof'), async (c) => {
    const { sha256 } = c.req.valid('param');
    const proof = await proofAnswer(sha256, await sourcesOf(c.env));
    if (proof === null) throw unknownProof(sha256);
    return c.json(proof, 200, { 'cache-control': FRESH.slow });
  })
  .openapi(declared('proofBytes'), async (c) => {
    const { sha256 } = c.req.valid('param');
    const store = new Store(c.env);
    const headers = { etag: `"${sha256}"`, 'cache-control': FRESH.forever };
    // Whoever has the bytes is answered without reading them.
    if (isNamed(c.req.header('if-none-match'), headers.etag) && (await store.has(sha256)))
      return c.body(null, 304, headers);
    const object = await store.raw(sha256);
    if (object === null) throw unknownProof(sha256);
    const type = { 'content-type': 'application/octet-stream', 'content-length': String(object.size) };
    return c.body(object.body, 200, { ...headers, ...type });
  });
