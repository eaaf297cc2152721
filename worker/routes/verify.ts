import type { Output } from '../../api/client.ts';
import { proofReport } from '../answers/proof.ts';
import { sourcesOf, type Sources } from '../answers/sources.ts';
import { authorise } from '../auth.ts';
import { bodySeconds, BodyReader, requireBytes } from '../body.ts';
import {
  estimate,
  fitsRequest,
  MAX_HEAD_BYTES,
  readHead,
  readProof,
  requireAffordable,
  requireSize,
  type Estimate,
} from '../cost.ts';
import { maxProofBytes, type Env } from '../env.ts';
import { jobId, submitJob, type Job } from '../jobs.ts';
import type { Client } from '../limits/client.ts';
import { places, type Need, type Place } from '../limits/places.ts';
import { requireRate } from '../limits/rate.ts';
import { declared, routes } from '../serve.ts';
import type { ProofRecord } from '../store/types.ts';
import { knownRecord, proofDigestOf, requireCounting, verified } from '../verification.ts';

type Submission = Extract<Output<'verify'>, { verdict: 'valid' }>;
type Answer = Submission | Job;
type Bytes = Uint8Array<ArrayBuffer>;

// Deployed workers stop the clock between inputs and outputs, against timing attacks.
const CLOCK_NOTE = 'by the clock of the runtime, which may stand still while it computes: verifyMs can be 0';

/** Seconds that a request may wait for its turn and store, after reading. */
const WAIT = 60;

/** A stopwatch: milliseconds since it was last asked. */
function stopwatch(): () => number {
  let at = Date.now();
  return () => {
    const before = at;
    at = Date.now();
    return at - before;
  };
}

interface Afforded {
  readonly made: Estimate;
  /** What the request takes when its body is there. */
  readonly need: Need;
}

/** Reads the front, refuses what costs too much, and takes the place that the rest needs. */
async function afford(body: BodyReader, place: Place, env: Env): Promise<Afforded> {
  const made = await estimate(await readHead(body));
  requireAffordable(made, env);
  requireSize(made, body.declared, env);
  const bytes = Math.min(body.declared ?? made.size.max, maxProofBytes(env));
  // A job verifies later.
  const { memory, milliseconds } = fitsRequest(made, env) ? made : { memory: 0, milliseconds: 0 };
  const need = { bytes, memory, milliseconds };
  place.await(need, bodySeconds(bytes));
  return { made, need };
}

/** @throws the protocol's errors for a proof that doesn't hold */
async function answerTo(
  bytes: Bytes,
  bodyMs: number,
  made: Estimate,
  client: Client,
  sources: Sources,
): Promise<Answer> {
  const lap = stopwatch();
  const report = async (
    record: ProofRecord,
    stored: Submission['stored'],
    verifyMs: number | null,
  ): Promise<Submission> => {
    const timings = { bodyMs, verifyMs, storeMs: lap(), note: CLOCK_NOTE };
    // A body may take minutes: the verifier may have been withdrawn meanwhile, or a key have ended.
    return { ...proofReport(record, await sourcesOf(sources.env)), stored, timings };
  };
  const digest = proofDigestOf(bytes);
  const before = await knownRecord(digest, sources);
  if (before !== null) {
    await sources.store.restore(bytes, digest);
    return report(before, 'before', null);
  }
  if (!fitsRequest(made, sources.env)) return submitJob(bytes, digest, client, sources.env);
  lap();
  const record = await verified(bytes);
  const verifyMs = lap();
  return report(await sources.store.accept(bytes, record), 'now', verifyMs);
}

/**
 * POST /verify: one segment proof in, its verdict out. 200 with the record, 202 with a job for what doesn't fit a request;
 * problems: 400 malformed, 401, 408, 413, 415, 422 the proof doesn't hold or costs too much, 429, 503.
 */
export const verifyRoutes = routes().openapi(declared('verify'), async (c) => {
  const client = await requireRate(c, await authorise(c), 'write');
  requireBytes(c.req.raw);
  const body = new BodyReader(c.req.raw, maxProofBytes(c.env));
  const head = { bytes: MAX_HEAD_BYTES, memory: 0, milliseconds: 0 };
  const place = places.take(client, head, bodySeconds(MAX_HEAD_BYTES));
  try {
    const lap = stopwatch();
    const { made, need } = await afford(body, place, c.env);
    const sources = await sourcesOf(c.env);
    requireCounting(sources);
    const bytes = await readProof(body, made, c.env);
    place.grow({ ...need, bytes: bytes.length }, WAIT);
    const answer = await answerTo(bytes, lap(), made, client, sources);
    if ('verdict' in answer) return c.json(answer, 200, { 'cache-control': 'no-store' });
    const wait = String(1 + Math.ceil(made.milliseconds / 1000));
    const location = `/jobs/${jobId(answer.proofDigest)}`;
    return c.json(answer, 202, { location, 'retry-after': wait, 'cache-control': 'no-store' });
  } finally {
    place.leave();
    await body.stop();
  }
});
