import { Hono } from 'hono';

import type { Hex } from '../../protocol/attestation.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { attestRun, chainDigest } from '../attestations.ts';
import { chainReport, type Chain } from '../../protocol/chain.ts';
import { attesterKey, type AppTypes } from '../env.ts';
import { hexId, notFound } from '../problems.ts';
import { ProofStore, type SegmentEntry } from '../storage.ts';

/** The run that segments belong to; each of their records has it. */
export async function runOf(store: ProofStore, segments: readonly SegmentEntry[]): Promise<RunSpec> {
  const record = await store.record(segments[0].proofDigest);
  if (record === null) throw new Error(`proof ${segments[0].proofDigest} is in the index without a record`);
  return record.statement.run;
}

/** A complete chain as it is told: what a contract anchors, and who attests it. */
export function chainJson(runId: string, run: RunSpec, chain: Chain, key: Hex | null) {
  return {
    adapterRoot: chain.adapterRoot,
    momentsRoot: chain.momentsRoot,
    runDigest: chainDigest(runId, chain),
    verifier: chain.verifier,
    completedAt: chain.completedAt,
    proofs: chain.segments.map((segment) => segment.proofDigest),
    attestation: attestRun(runId, run, chain, key),
  };
}

/** GET /runs/{id}: segments present and missing, whether they chain, and the final adapter where they do to the end. */
export const runRoutes = new Hono<AppTypes>().get('/runs/:id', async (c) => {
  const runId = hexId('run id', c.req.param('id'));
  const store = new ProofStore(c.env.PROOFS);
  const segments = await store.segmentsOf(runId);
  if (segments.length === 0)
    throw notFound(`No proof of run ${runId} is stored here.`, 'Submit its proofs: POST /verify.');
  const run = await runOf(store, segments);
  const { chains, reached, stop, missing } = chainReport(segments, run.steps);
  const final = chains.length === 0 ? null : chainJson(runId, run, chains[0], attesterKey(c.env));
  return c.json({ runId, run, complete: final !== null, reached, stop, missing, segments, final });
});
