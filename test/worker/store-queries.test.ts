/** Queries read rows by indexes: no read path goes through a whole table, whatever somebody has stored in it. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { MAX_ENTRIES, MAX_STEPS, RUN_QUERIES, RunIndex } from '../../worker/store/index.ts';
import { LOOKUP_QUERIES } from '../../worker/store/lookup.ts';
import { rowsQuery } from '../../worker/store/merge.ts';
import { passesOf } from '../../worker/store/passes.ts';
import { COMPLETION_RUNS } from '../../worker/store/rebuild.ts';
import { PROOFS, proofRow } from '../../worker/store/rows.ts';
import { Store } from '../../worker/store/store.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { rowsOf } from './index-rows.ts';
import { sample, sampleSegment } from './records.ts';

/** Steps of the plan that go through a table of the index from its first row to its last. */
async function scans(sql: string): Promise<string[]> {
  const parameters = Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map(([, n]) => Number(n)));
  const values = Array.from({ length: parameters }, () => '[]');
  const { results } = await env.INDEX.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  expect(results.length).toBeGreaterThan(0);
  return results.map(({ detail }) => detail).filter((detail) => isScan(detail));
}

/** Of the index's tables; what a query has itself gathered, and the list it was given, are as long as its answer. */
const OWN = /^SCAN (ids VIRTUAL TABLE|place|light|\(subquery)/;
const isScan = (detail: string): boolean => /\bSCAN\b/.test(detail) && !OWN.test(detail);

describe('by an index alone', () => {
  test.each([...Object.entries(RUN_QUERIES), ...Object.entries(LOOKUP_QUERIES)])('%s', async (_, sql) => {
    expect(await scans(sql)).toEqual([]);
  });

  test.each(passesOf(env).map((pass) => [pass.prefix, pass] as const))('a page of %s', async (_, pass) => {
    expect(await scans(rowsQuery(pass, false))).toEqual([]);
    // From the first row on, in the order of the primary key and with a limit: no sorting.
    const { results } = await env.INDEX.prepare(`EXPLAIN QUERY PLAN ${rowsQuery(pass, true)}`).all<{
      detail: string;
    }>();
    expect(results.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SCAN \w+ USING INDEX/)]);
  });

  test('a page of completions', async () => {
    expect(await scans(COMPLETION_RUNS)).toEqual([]);
  });

  test('the control: a scan is seen', async () => {
    expect(await scans("SELECT * FROM proofs WHERE losses = ''")).toHaveLength(1);
    expect(await scans('SELECT * FROM files WHERE shown_at > ?1')).toHaveLength(1);
  });
});

describe('a run with more proofs than are told', () => {
  const store = new Store(env);
  const run = { ...SAMPLE_RUN, steps: 2 ** 20 };

  test('tells those that chain, and how many others there are', async () => {
    const { bytes, record } = sample({ run, segment: sampleSegment(0, 8) });
    await store.accept(bytes, record);
    // Steps in the middle, from adapters of somebody's own; copied in the index, as proving them is not the point.
    const other = sample({ run, segment: sampleSegment(4, 1) }).record;
    await store.index(other);
    const columns = [...PROOFS.key, ...PROOFS.values].filter((column) => column !== 'proof_digest').join(', ');
    for (let copies = 1; copies <= MAX_ENTRIES; copies *= 2)
      await env.INDEX.prepare(
        `INSERT INTO proofs (proof_digest, ${columns})
         SELECT ?2 || substr(proof_digest, 1, 63 - length(?2)) || 'x', ${columns} FROM proofs WHERE first = 4 AND run_id = ?1`,
      )
        .bind(record.runId, copies.toString(16))
        .run();
    const [{ count }] = await rowsOf('(SELECT COUNT(*) AS count FROM proofs)');
    expect(count).toBeGreaterThan(MAX_ENTRIES);
    const told = (await store.run(record.runId))!;
    expect(told.segments.map((segment) => segment.proofDigest)).toEqual([record.proofDigest]);
    expect(told.more).toBe((count as number) - 1);
    // Nor do they keep it from becoming complete.
    const { steps } = run;
    const last = { ...sampleSegment(8, 8), steps: steps - 8, counts: [1], losses: [1] };
    await store.index({ ...sample({ run, segment: last }).record, runId: record.runId });
    expect(await rowsOf('completions', 'WHERE run_id = ?1', record.runId)).toHaveLength(1);
  });

  test('tells the losses of the first steps where the chain has too many', async () => {
    const long = { ...SAMPLE_RUN, nonce: root(2), steps: 2 ** 21 };
    const [first, second] = [sampleSegment(0, 8), sampleSegment(8, 1)];
    const { record } = sample({ run: long, segment: first });
    const index = new RunIndex(env.INDEX);
    await index.enter(record, 0);
    const next = sample({ run: long, segment: second, content: 'long' }).record;
    const row = { ...proofRow(next), steps: MAX_STEPS };
    const columns = [...PROOFS.key, ...PROOFS.values];
    await env.INDEX.prepare(`INSERT INTO proofs (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .bind(...columns.map((column) => (row as Record<string, string | number | null>)[column]))
      .run();
    const told = (await store.run(record.runId))!;
    expect(told.more).toBe(0);
    expect(told.segments.map(({ steps, counts, losses }) => [steps, counts, losses])).toEqual([
      [8, first.counts, first.losses],
      [MAX_STEPS, [], null],
    ]);
    expect((await store.run(record.runId, 7))!.segments.map(({ losses }) => losses)).toEqual([null, null]);
  });

  test('tells the losses of those that chain, though others fill the first steps', async () => {
    const long = { ...SAMPLE_RUN, nonce: root(3), steps: 2 ** 21 };
    const index = new RunIndex(env.INDEX);
    const [first, foreign] = [sampleSegment(0, 8), { ...sampleSegment(0, 16), adapterIn: root(9) }];
    const { record } = sample({ run: long, segment: first });
    await index.enter(sample({ run: long, segment: foreign, receivedAt: 1 }).record, 0);
    await index.enter(record, 0);
    const told = (await store.run(record.runId, 16))!;
    expect(told.more).toBe(0);
    expect(told.segments.map(({ losses }) => losses)).toEqual([foreign.losses, first.losses]);
  });
});
