import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { BrokenObjectError } from '../../worker/store/facts.ts';
import { Store } from '../../worker/store/store.ts';
import type { ProofRecord } from '../../worker/store/types.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { get, problemIn } from './client.ts';
import { emptyStore, rebuildAll, rowsOf } from './index-rows.ts';
import { sample, sampleSegment } from './records.ts';

const store = new Store(env);
const { record } = sample({ segment: sampleSegment(0, 2) });
const name = `records/${record.proofDigest}/${record.verifier.digest}.json`;
const { statement } = record;
const changedRun = { ...statement, run: { ...statement.run, owner: `0x${'66'.repeat(20)}` } };

/** Objects that this worker never wrote under this name, and what is wrong with them. */
const BROKEN: [string, string, string][] = [
  ['nothing', '', 'no JSON'],
  ['half of it', JSON.stringify(record).slice(0, 200), 'no JSON'],
  ['null', 'null', 'expected object'],
  ['a list', '[]', 'expected object'],
  ['a proof of another name', JSON.stringify({ ...record, proofDigest: root(9) }), 'proofDigest'],
  [
    'another verifier version',
    JSON.stringify({ ...record, verifier: { ...record.verifier, digest: root(9) } }),
    'verifier.digest',
  ],
  ['another run id', JSON.stringify({ ...record, runId: root(9) }), 'its hash is not the run id'],
  ['another statement hash', JSON.stringify({ ...record, statementHash: root(9) }), 'not the statement hash'],
  ['a changed run', JSON.stringify({ ...record, statement: changedRun }), 'not the statement hash'],
  [
    'a changed segment',
    JSON.stringify({ ...record, statement: { ...statement, segment: { ...statement.segment, adapterOut: root(9) } } }),
    'not the statement hash',
  ],
  [
    'a segment without adapter',
    JSON.stringify({ ...record, statement: { ...statement, segment: { first: 0, steps: 2 } } }),
    'statement.segment',
  ],
  [
    'a run that no hash can be made of',
    JSON.stringify({ ...record, statement: fractional() }),
    'not the statement hash',
  ],
  ['a time that is none', JSON.stringify({ ...record, receivedAt: '2026' }), 'receivedAt'],
];

function fractional(): object {
  return { ...statement, run: { ...SAMPLE_RUN, batch: 0.5 } };
}

describe('a record that is broken', () => {
  test.each(BROKEN)('%s', async (_, text, reason) => {
    await emptyStore();
    await env.PROOFS.put(name, text);
    const error = await store.record(record.proofDigest, record.verifier.digest).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(BrokenObjectError);
    expect(error).toMatchObject({ status: 500, object: name, details: { code: 'BROKEN_OBJECT' } });
    expect((error as BrokenObjectError).reason).toContain(reason);
  });

  test('is named to whoever asks, and is no crash', async () => {
    await emptyStore();
    await env.PROOFS.put(name, '{');
    const problem = await problemIn(await get(`/proofs/${record.proofDigest}`));
    expect(problem).toMatchObject({ status: 500, code: 'BROKEN_OBJECT', evidence: { object: name } });
  });

  test('is told by the rebuild, which goes on, and leaves the row that there is', async () => {
    await emptyStore();
    const [broken, whole] = [sampleSegment(0, 2), sampleSegment(2, 2)].map((segment) => sample({ segment }));
    for (const { bytes, record } of [broken, whole]) await store.accept(bytes, record);
    await env.PROOFS.put(name, 'x');
    await env.INDEX.prepare('DELETE FROM proofs WHERE proof_digest = ?1').bind(whole.record.proofDigest).run();
    const { differences } = await rebuildAll('mend');
    expect(differences).toContainEqual({ key: name, what: 'it is no JSON' });
    expect(await rowsOf('proofs')).toHaveLength(2);
  });

  test('cannot be put by whoever submits: its place is taken by the first', async () => {
    await emptyStore();
    const { bytes } = sample({ segment: sampleSegment(0, 2) });
    const first = await store.accept(bytes, record);
    const other: ProofRecord = { ...record, soundnessBits: 1, receivedAt: 5 };
    expect(await store.accept(bytes, other)).toEqual(first);
    expect(await store.record(record.proofDigest, record.verifier.digest)).toEqual(first);
  });
});
