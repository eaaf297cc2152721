import { Hono } from 'hono';

import type { Hex } from '../../protocol/attestation.ts';
import { chainReport } from '../../protocol/chain.ts';
import { attesterKey, type AppTypes } from '../env.ts';
import { hexId, notFound } from '../problems.ts';
import { ProofStore, type SegmentEntry } from '../storage.ts';
import { chainJson, runOf } from './runs.ts';

/** Most runs that one answer looks at; a root is hiding, so in practice one run ends at it. */
const MAX_RUNS = 20;

/** What one run says about an adapter root: the proofs that end there, and whether it is the run's final one. */
async function adapterInRun(
  store: ProofStore,
  adapterRoot: string,
  runId: string,
  ends: readonly SegmentEntry[],
  key: Hex | null,
) {
  const segments = await store.segmentsOf(runId);
  const run = await runOf(store, ends);
  const { chains } = chainReport(segments, run.steps);
  const chain = chains.find((each) => each.adapterRoot === adapterRoot);
  return {
    runId,
    baseRoot: run.baseRoot,
    dataRoot: run.dataRoot,
    owner: run.owner,
    steps: run.steps,
    complete: chains.length > 0,
    isFinal: chain !== undefined,
    proofs: ends.map((s) => ({ proofDigest: s.proofDigest, first: s.first, steps: s.steps, receivedAt: s.receivedAt })),
    final: chain === undefined ? null : chainJson(runId, run, chain, key),
  };
}

/** GET /adapters/{id}: by adapter root, the runs with a segment that ends there. */
export const adapterRoutes = new Hono<AppTypes>().get('/adapters/:id', async (c) => {
  const adapterRoot = hexId('adapter root', c.req.param('id'));
  const store = new ProofStore(c.env.PROOFS);
  const byRun = [...(await store.segmentsEndingAt(adapterRoot))];
  if (byRun.length === 0) {
    const next = 'Compute the root with ./zklora check, or submit the proofs of its run: POST /verify.';
    throw notFound(`No stored proof ends at adapter root ${adapterRoot}.`, next);
  }
  const key = attesterKey(c.env);
  const looked = byRun.slice(0, MAX_RUNS);
  const runs = await Promise.all(looked.map(([runId, ends]) => adapterInRun(store, adapterRoot, runId, ends, key)));
  return c.json({ adapterRoot, runs, moreRuns: byRun.length - looked.length });
});
