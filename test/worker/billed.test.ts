/** What requests ask of bucket and index, as docs/deploy.md tells it. */
import { beforeAll, expect, test } from 'vitest';

import DEPLOY from '../../docs/deploy.md?raw';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { counting, type Billed } from './billed.ts';
import { ask, sendJson, withKey } from './client.ts';

const SEGMENTS = 5;

let submissions: Billed[];
let lookup: Billed;

beforeAll(async () => {
  const { PROOFS, INDEX, taken } = counting();
  const bindings = { ...withKey, PROOFS, INDEX };
  const segments = await microRun('b1'.repeat(32), SEGMENTS);
  submissions = [];
  for (const { statement, witness } of segments) {
    const body = Uint8Array.from(await proveStatement(statement, witness));
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await ask('/verify', { method: 'POST', body, headers }, bindings)).status).toBe(200);
    submissions.push(taken());
  }
  const ids = [segments[SEGMENTS - 1].statement.segment.adapterOut];
  const answer = await sendJson('/adapters/lookup', { ids }, bindings);
  expect(await answer.json()).toMatchObject({ answers: [{ status: 'verified' }] });
  lookup = taken();
});

const mean = (of: (billed: Billed) => number): string =>
  (submissions.reduce((sum, billed) => sum + of(billed), 0) / SEGMENTS).toFixed(1);

test('a submission’s operations are those of docs/deploy.md', () => {
  expect(DEPLOY).toContain(`R2 writes (class A), ${mean(({ classA }) => classA)} each`);
  expect(DEPLOY).toContain(`R2 reads (class B), ${mean(({ classB }) => classB)} each`);
  expect(DEPLOY).toContain(`D1 rows written, indexes counted, ${mean(({ rowsWritten }) => rowsWritten)} each`);
  expect(DEPLOY).toContain(`D1 rows read, ${mean(({ rowsRead }) => rowsRead)} each`);
});

test('a segment reads five rows for each before it, and nothing else grows', () => {
  const [, second, third, fourth] = submissions;
  expect(third).toEqual({ ...second, rowsRead: second.rowsRead + 5 });
  expect(fourth).toEqual({ ...third, rowsRead: third.rowsRead + 5 });
});

test('a look-up reads rows of the index alone', () => {
  expect(DEPLOY).toContain(`${lookup.rowsRead} rows read for an adapter`);
  expect(lookup).toEqual({ classA: 0, classB: 0, rowsRead: lookup.rowsRead, rowsWritten: 0 });
});
