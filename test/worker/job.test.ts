/** Real proofs that do not fit a request, from their submission to the end of their jobs. */
import { introspectWorkflowInstance } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Output } from '../../api/client.ts';
import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { jobId, removeOldUploads, uploadObject, type Job } from '../../worker/jobs.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { Store } from '../../worker/store/store.ts';
import { currentVerifier } from '../../worker/version.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { root } from '../support/statements.ts';
import { ask, get, json, problemIn, withKey } from './client.ts';

/** So little fits a request that nothing does. */
const bindings = { ...withKey, MAX_REQUEST_COST: '1' };
const BYTES = { 'content-type': 'application/octet-stream' };
const DAY = 86_400;

let proofs: Uint8Array<ArrayBuffer>[];

beforeAll(async () => {
  proofs = [];
  for (const { statement, witness } of await microRun())
    proofs.push(Uint8Array.from(await proveStatement(statement, witness)));
});

const digestOf = (bytes: Uint8Array): string => toHex(sha256(bytes));
const idOf = (bytes: Uint8Array): string => jobId(digestOf(bytes));

/** The first proof with another last byte: another digest, and it does not hold. */
function changed(value: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(proofs[0]);
  bytes[bytes.length - 9] ^= value;
  return bytes;
}

const post = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, more: object = {}) =>
  ask('/verify', { method: 'POST', body, headers: { ...BYTES, ...headers } }, { ...bindings, ...more });

async function submit(bytes: Uint8Array<ArrayBuffer>): Promise<Job> {
  const response = await post(bytes);
  expect(response.status).toBe(202);
  expect(response.headers.get('location')).toBe(`/jobs/${idOf(bytes)}`);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(response.headers.get('cache-control')).toBe('no-store');
  const job = await response.json<Job>();
  expect(job).toMatchObject({ id: idOf(bytes), proofDigest: digestOf(bytes), problem: null });
  expect(['queued', 'verifying', 'valid']).toContain(job.state);
  return job;
}

/** The job when it has ended. */
async function ended(bytes: Uint8Array): Promise<Job> {
  for (let i = 0; i < 1000; i++) {
    const job = await json<Job>(`/jobs/${idOf(bytes)}`);
    if (job.state !== 'queued' && job.state !== 'verifying') return job;
    await scheduler.wait(20);
  }
  throw new Error('the job does not end');
}

const uploads = async (): Promise<string[]> =>
  (await env.PROOFS.list({ prefix: 'uploads/' })).objects.map(({ key }) => key);

describe('a proof that does not fit a request', () => {
  test('is verified by a job, whoever and however often it is submitted', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => post(proofs[0])));
    // Whoever comes last may find it stored.
    const jobs = answers.filter(({ status }) => status === 202);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4 - jobs.length);
    expect(jobs.length).toBeGreaterThan(0);
    for (const { headers } of jobs) expect(headers.get('location')).toBe(`/jobs/${idOf(proofs[0])}`);
    const job = await ended(proofs[0]);
    expect(job).toMatchObject({ state: 'valid', problem: null });
    expect(job.endedAt).toBeGreaterThanOrEqual(job.submittedAt);
    const proof = await json<Output<'proof'>>(`/proofs/${digestOf(proofs[0])}`);
    expect(proof).toMatchObject({ verdict: 'valid', verifier: currentVerifier() });
    expect(await uploads()).toEqual([]);
    const again = await post(proofs[0]);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ stored: 'before', proofDigest: digestOf(proofs[0]) });
  });

  test('and does not hold is refused, by its job and from then on at once', async () => {
    const bad = changed(1);
    await submit(bad);
    const job = await ended(bad);
    expect(job).toMatchObject({ state: 'refused', problem: { status: 422 } });
    expect(await problemIn(await post(bad))).toEqual(job.problem);
    expect((await get(`/proofs/${digestOf(bad)}`)).status).toBe(404);
    expect(await env.PROOFS.head(`proofs/${digestOf(bad)}`)).toBeNull();
    expect(await uploads()).toEqual([]);
  });
});

describe('a job', () => {
  test('tries again what failed', async () => {
    await using job = await introspectWorkflowInstance(env.VERIFICATIONS, idOf(proofs[1]));
    await job.modify(async (m) => {
      await m.disableRetryDelays();
      await m.mockStepError({ name: 'verify' }, new Error('the bucket is gone'), 3);
    });
    await submit(proofs[1]);
    await job.waitForStatus('complete');
    expect(await ended(proofs[1])).toMatchObject({ state: 'valid' });
    const { runId } = await json<Output<'proof'>>(`/proofs/${digestOf(proofs[1])}`);
    expect(await json<Output<'run'>>(`/runs/${runId}`)).toMatchObject({ complete: true });
  });

  test('that failed for good says so, and is done again when the proof is submitted again', async () => {
    const bad = changed(2);
    {
      await using job = await introspectWorkflowInstance(env.VERIFICATIONS, idOf(bad));
      await job.modify(async (m) => {
        await m.disableRetryDelays();
        await m.mockStepError({ name: 'verify' }, new Error('the bucket is gone'));
      });
      await submit(bad);
      await job.waitForStatus('errored');
      const failed = await ended(bad);
      expect(failed).toMatchObject({ state: 'failed', endedAt: null, problem: { status: 500, code: 'INTERNAL' } });
      expect(JSON.stringify(failed)).not.toContain('bucket');
      expect(await uploads()).toEqual([uploadObject(digestOf(bad))]);
    }
    await submit(bad);
    expect(await ended(bad)).toMatchObject({ state: 'refused' });
    expect(await uploads()).toEqual([]);
  });

  test('whose upload is gone fails; the proof may be submitted again', async () => {
    const bad = changed(3);
    await env.VERIFICATIONS.create({ id: idOf(bad), params: { proof: digestOf(bad) } });
    const deadline = Date.now() + 30_000;
    let found = await get(`/jobs/${idOf(bad)}`);
    while (found.status === 404 && Date.now() < deadline) {
      await scheduler.wait(20);
      found = await get(`/jobs/${idOf(bad)}`);
    }
    expect(await found.json()).toMatchObject({ state: 'failed', problem: { code: 'NOT_FOUND' } });
    await submit(bad);
    expect(await ended(bad)).toMatchObject({ state: 'refused' });
  });

  test.each([`${root(1)}-${'0'.repeat(32)}`, 'x', root(1), `${root(1)}-${'0'.repeat(31)}`])(
    '%s is none',
    async (id) => {
      expect(await problemIn(await get(`/jobs/${id}`))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );

  test.each(['X', 'a_b', 'a'.repeat(101)])('%s is no id', async (id) => {
    expect(await problemIn(await get(`/jobs/${id}`))).toMatchObject({ status: 400, code: 'ID' });
  });
});

describe('jobs that are not ended', () => {
  const put = (i: number, keyed: boolean): Promise<R2Object> =>
    env.PROOFS.put(uploadObject(root(i)), 'waits', { customMetadata: { keyed: String(keyed) } });

  test('are bounded, and half of them are for holders of keys', async () => {
    const limited = { MAX_JOBS: '4' };
    const { text } = await new KeyStore(env).create('of the tests', 1);
    const known = { authorization: `Bearer ${text}` };
    const [first, second] = [changed(4), changed(5)];
    await put(1, false);
    await put(2, false);
    const refused = await post(first, {}, limited);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await problemIn(refused)).toMatchObject({ status: 503, code: 'BUSY', evidence: { limit: 4 } });
    expect((await post(first, known, limited)).status).toBe(202);
    expect(await ended(first)).toMatchObject({ state: 'refused' });
    await put(3, true);
    await put(4, true);
    expect((await problemIn(await post(second, known, limited))).code).toBe('BUSY');
    await env.PROOFS.delete([1, 2, 3, 4].map((i) => uploadObject(root(i))));
    expect((await post(second, known, limited)).status).toBe(202);
    expect(await ended(second)).toMatchObject({ state: 'refused' });
  });

  test('lose their uploads after two days', async () => {
    await put(1, false);
    const now = Math.floor(Date.now() / 1000);
    expect(await removeOldUploads(env, now + 2 * DAY - 60)).toBe(0);
    expect(await uploads()).toHaveLength(1);
    expect(await removeOldUploads(env, now + 2 * DAY + 60)).toBe(1);
    expect(await uploads()).toEqual([]);
  });

  test('nothing but uploads is removed', async () => {
    const before = (await env.PROOFS.list()).objects.length;
    expect(await removeOldUploads(env, 2 ** 32)).toBe(0);
    expect((await env.PROOFS.list()).objects.length).toBe(before);
  });
});

describe('a verifier that is withdrawn meanwhile', () => {
  test('says nothing of the proof', async () => {
    const bad = changed(6);
    await env.PROOFS.put(uploadObject(digestOf(bad)), bad);
    await new Store(env).withdraw(currentVerifier().digest, { at: 1, reason: 'a check was missing' });
    await env.VERIFICATIONS.create({ id: idOf(bad), params: { proof: digestOf(bad) } });
    expect(await ended(bad)).toMatchObject({ state: 'failed', problem: { status: 503, code: 'VERIFIER_WITHDRAWN' } });
    expect((await problemIn(await post(bad))).code).toBe('VERIFIER_WITHDRAWN');
  });
});
