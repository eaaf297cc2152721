import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';

import { Store } from '../../worker/store/store.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { rebuildAll, rowsOf } from './index-rows.ts';
import { sample, sampleSegment } from './records.ts';

const runNumber = (n: number) => ({ ...SAMPLE_RUN, nonce: root(n) });
/** As of a request of its own. */
const newStore = (): Store => new Store(env);

test('one proof, many times at once, is one record, one completion and one event', async () => {
  const options = { run: runNumber(1), segment: { ...sampleSegment(0, 8), adapterOut: root(1) } };
  const samples = Array.from({ length: 20 }, (_, i) => sample({ ...options, receivedAt: 1_763_800_000 + i }));
  const kept = await Promise.all(samples.map(({ bytes, record }) => newStore().accept(bytes, record)));
  expect(new Set(kept.map((record) => record.receivedAt)).size).toBe(1);

  const { runId, proofDigest, receivedAt } = kept[0];
  expect((await env.PROOFS.list({ prefix: `records/${proofDigest}/` })).objects).toHaveLength(1);
  expect(await rowsOf('proofs', 'WHERE run_id = ?1', runId)).toMatchObject([{ received_at: receivedAt }]);
  expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toMatchObject([{ completed_at: receivedAt }]);
  expect(await rowsOf('events', "WHERE data ->> '$.runId' = ?1", runId)).toHaveLength(1);
});

test('all segments of a run at once make one completion and one event', async () => {
  for (let round = 0; round < 3; round++) {
    const run = runNumber(10 + round);
    const segments = Array.from({ length: 8 }, (_, i) => sampleSegment(i, 1));
    segments[7] = { ...segments[7], adapterOut: root(10 + round) };
    const samples = segments.flatMap((segment) =>
      ['first', 'second'].map((content) => sample({ run, segment, content })),
    );
    const records = await Promise.all(samples.map(({ bytes, record }) => newStore().accept(bytes, record)));
    const { runId } = records[0];
    expect((await newStore().run(runId))!.segments).toHaveLength(16);
    expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toHaveLength(1);
    expect(await rowsOf('events', "WHERE data ->> '$.runId' = ?1", runId)).toHaveLength(1);
  }
});

test('a rebuild while proofs come in loses and removes nothing', async () => {
  const run = { ...runNumber(20), steps: 12 };
  const samples = Array.from({ length: 12 }, (_, i) => sample({ run, segment: sampleSegment(i, 1) }));
  let done = false;
  const rebuilding = (async () => {
    let changed = 0;
    while (!done) changed += (await rebuildAll('mend')).written;
    return changed;
  })();
  for (const { bytes, record } of samples) await newStore().accept(bytes, record);
  const withdrawn = await newStore().withdraw(samples[0].record.verifier.digest, { at: 7, reason: 'a race' });
  done = true;
  await rebuilding;
  const { runId } = samples[0].record;
  expect((await newStore().run(runId))!.segments).toHaveLength(12);
  expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toHaveLength(1);
  expect(await newStore().verifiers()).toContainEqual({ ...samples[0].record.verifier, withdrawn });
  expect((await rebuildAll('check')).differences).toEqual([]);
});

test('one file, shown many times at once, is one file', async () => {
  const { bytes, record } = sample({ run: runNumber(30), segment: { ...sampleSegment(0, 8), adapterOut: root(0xf1) } });
  await newStore().accept(bytes, record);
  const shown = { file: root(2), tensors: root(3), adapterRoot: root(0xf1), runId: record.runId };
  const kept = await Promise.all(
    Array.from({ length: 20 }, (_, i) => newStore().showFile({ ...shown, shownAt: 100 + i })),
  );
  expect(new Set(kept.map((file) => file.shownAt)).size).toBe(1);
  expect(await newStore().filesOf(root(0xf1))).toEqual([kept[0]]);
});
