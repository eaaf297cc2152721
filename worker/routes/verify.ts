import { Hono } from 'hono';

import { sha256 } from '../../protocol/hash.ts';
import { toHex } from '../../protocol/bytes.ts';
import { readProofStatement, verifyProof } from '../../protocol/verify.ts';
import { attestSegment } from '../attestations.ts';
import { readBytes, requireBytes } from '../body.ts';
import { requireAffordable } from '../cost.ts';
import { attesterKey, maxProofBytes, type AppTypes, type Env } from '../env.ts';
import { ProofStore, recordOf, type ProofRecord } from '../storage.ts';
import { currentVerifier } from '../version.ts';

/** Milliseconds by the runtime's clock. */
interface Timings {
  readonly bodyMs: number;
  /** Null where the proof was stored before. */
  readonly verifyMs: number | null;
  readonly storeMs: number;
  readonly note: string;
}

// Deployed workers stop the clock between inputs and outputs, against timing attacks.
const CLOCK_NOTE = 'by the clock of the runtime, which may stand still while it computes: verifyMs can be 0';

function answer(record: ProofRecord, stored: 'now' | 'before', timings: Timings, env: Env) {
  return { verdict: 'valid', stored, ...record, timings, attestation: attestSegment(record, attesterKey(env)) };
}

/**
 * POST /verify: one segment proof in, its verdict out. 200 with the record; problems: 400 malformed, 413, 415, 422 the
 * proof doesn't hold.
 */
export const verifyRoutes = new Hono<AppTypes>().post('/verify', async (c) => {
  requireBytes(c.req.raw);
  const started = Date.now();
  const bytes = await readBytes(c.req.raw, maxProofBytes(c.env));
  const read = Date.now();

  const store = new ProofStore(c.env.PROOFS);
  const before = await store.record(toHex(sha256(bytes)));
  if (before !== null) {
    await store.index(before);
    const timings = { bodyMs: read - started, verifyMs: null, storeMs: Date.now() - read, note: CLOCK_NOTE };
    return c.json(answer(before, 'before', timings, c.env));
  }

  const begun = Date.now();
  requireAffordable(readProofStatement(bytes), c.env);
  const verified = verifyProof(bytes);
  const ended = Date.now();
  const record = recordOf(bytes, verified, currentVerifier(), Math.floor(ended / 1000));
  const kept = await store.put(bytes, record);
  const timings = {
    bodyMs: read - started,
    verifyMs: ended - begun,
    storeMs: Date.now() - ended,
    note: CLOCK_NOTE,
  };
  return c.json(answer(kept, 'now', timings, c.env));
});
