import type { Output } from '../../api/client.ts';
import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { readProofStatement, verifyProof } from '../../protocol/verify.ts';
import { proofReport } from '../answers/proof.ts';
import { sourcesOf, type Sources } from '../answers/sources.ts';
import { authorise } from '../auth.ts';
import { readBytes, requireBytes } from '../body.ts';
import { requireAffordable } from '../cost.ts';
import { maxProofBytes, type Env } from '../env.ts';
import { Problem } from '../problems.ts';
import { declared, routes } from '../serve.ts';
import type { ProofRecord } from '../store/types.ts';
import { currentVerifier, recordOf } from '../version.ts';

type Submission = Extract<Output<'verify'>, { verdict: 'valid' }>;
type Body = Uint8Array<ArrayBuffer>;

// Deployed workers stop the clock between inputs and outputs, against timing attacks.
const CLOCK_NOTE = 'by the clock of the runtime, which may stand still while it computes: verifyMs can be 0';

/** @throws Problem (413, 415, or 400 for an empty body) */
async function read(request: Request, env: Env): Promise<Body> {
  requireBytes(request);
  return readBytes(request, maxProofBytes(env));
}

/** A withdrawn verifier's word counts for nothing. @throws Problem (503) */
function requireCounting({ withdrawn }: Sources): void {
  const withdrawal = withdrawn.get(currentVerifier().digest);
  if (withdrawal === undefined) return;
  throw new Problem(503, {
    code: 'VERIFIER_WITHDRAWN',
    detail: `The verifier version of this worker was withdrawn: ${withdrawal.reason}`,
    next: 'Wait until the operator deploys another version, then submit again: GET /verifiers tells.',
  });
}

/** The record of the current verifier; what another version verified is verified again. */
async function lookUp(bytes: Body, { store }: Sources): Promise<ProofRecord | null> {
  const before = await store.record(toHex(sha256(bytes)), currentVerifier().digest);
  if (before !== null) await store.index(before);
  return before;
}

/** @throws Problem (422) for a statement that costs too much, DecodeError for bytes that have none */
function afford(bytes: Body, env: Env): void {
  requireAffordable(readProofStatement(bytes), env);
}

/** @throws the protocol's errors, which `problems.ts` makes 400 and 422 */
function verify(bytes: Body): ProofRecord {
  const verified = verifyProof(bytes);
  return recordOf(bytes, verified, currentVerifier(), Math.floor(Date.now() / 1000));
}

/** A stopwatch: milliseconds since it was last asked. */
function stopwatch(): () => number {
  let at = Date.now();
  return () => {
    const before = at;
    at = Date.now();
    return at - before;
  };
}

/**
 * POST /verify: one segment proof in, its verdict out. 200 with the record; problems: 400 malformed, 413, 415, 422 the
 * proof doesn't hold.
 */
export const verifyRoutes = routes().openapi(declared('verify'), async (c) => {
  await authorise(c);
  const lap = stopwatch();
  const bytes = await read(c.req.raw, c.env);
  const bodyMs = lap();
  const sources = await sourcesOf(c.env);
  requireCounting(sources);
  const answer = (record: ProofRecord, stored: Submission['stored'], verifyMs: number | null) => {
    const timings = { bodyMs, verifyMs, storeMs: lap(), note: CLOCK_NOTE };
    return c.json({ ...proofReport(record, sources), stored, timings }, 200, { 'cache-control': 'no-store' });
  };
  const before = await lookUp(bytes, sources);
  if (before !== null) return answer(before, 'before', null);

  afford(bytes, c.env);
  lap();
  const record = verify(bytes);
  const verifyMs = lap();
  return answer(await sources.store.accept(bytes, record), 'now', verifyMs);
});
