/** Real proofs of a small run, verified by the worker. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Output } from '../../api/client.ts';
import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { runId } from '../../protocol/statement.ts';
import { addressOf } from '../../worker/attest.ts';
import type { Env } from '../../worker/env.ts';
import { Store } from '../../worker/store/store.ts';
import type { ProofRecord } from '../../worker/store/types.ts';
import { currentVerifier } from '../../worker/version.ts';
import { microRun, proveStatement, type MicroSegment } from '../support/micro-run.ts';
import { ask, ATTESTER_KEY, json, NEXT_KEY, problemIn, withKey } from './client.ts';
import { verifierOf } from './records.ts';

type Submission = Extract<Output<'verify'>, { verdict: 'valid' }>;

const store = new Store(env);
const attester = addressOf(ATTESTER_KEY);
const former = verifierOf('0.0.9');
let segments: MicroSegment[];
let proofs: Uint8Array<ArrayBuffer>[];
let id: string;

beforeAll(async () => {
  segments = await microRun();
  proofs = [];
  for (const { statement, witness } of segments) proofs.push(Uint8Array.from(await proveStatement(statement, witness)));
  id = toHex(runId(segments[0].statement.run));
});

const post = (bytes: Uint8Array<ArrayBuffer>, bindings: Env = withKey): Promise<Response> =>
  ask('/verify', { method: 'POST', body: bytes, headers: { 'content-type': 'application/octet-stream' } }, bindings);

async function submit(bytes: Uint8Array<ArrayBuffer>, bindings: Env = withKey): Promise<Submission> {
  const response = await post(bytes, bindings);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return response.json<Submission>();
}

/** Stores what a former verifier version verified, as an earlier deployment did. */
async function storeAsFormer(i: number): Promise<ProofRecord> {
  const { proofDigest } = await submit(proofs[i]);
  const record = await store.record(proofDigest, currentVerifier().digest);
  const earlier = { ...record!, verifier: former, receivedAt: 1000 + i };
  return store.accept(proofs[i], earlier);
}

describe('POST /verify', () => {
  test('verifies and stores a proof', async () => {
    const answer = await submit(proofs[1]);
    const { statement } = segments[1];
    expect(answer).toMatchObject({ verdict: 'valid', stored: 'now', statement, runId: id, withdrawn: null });
    expect(answer.proofDigest).toBe(toHex(sha256(proofs[1])));
    expect(answer.verifier).toEqual(currentVerifier());
    expect(answer.timings.verifyMs).not.toBeNull();
    expect(answer.attestation).toMatchObject({ attester });
    expect(answer.attestations).toEqual([answer.attestation]);
    const run = await json<Output<'run'>>(`/runs/${id}`);
    expect(run).toMatchObject({ complete: false, reached: 0, stop: 'missing', final: null });
  });

  test('answers from the store what it has verified', async () => {
    const { stored, timings, ...again } = await submit(proofs[1]);
    expect([stored, timings.verifyMs]).toEqual(['before', null]);
    expect(again).toEqual(await json(`/proofs/${toHex(sha256(proofs[1]))}`));
  });

  test('puts bytes back that were lost, and no others', async () => {
    const digest = toHex(sha256(proofs[1]));
    const name = `proofs/${digest}`;
    const kept = await env.PROOFS.head(name);
    expect((await submit(proofs[1])).stored).toBe('before');
    expect((await env.PROOFS.head(name))?.uploaded).toEqual(kept?.uploaded);
    await env.PROOFS.delete(name);
    expect((await ask(`/proofs/${digest}/raw`)).status).toBe(404);
    const changed = Uint8Array.from(proofs[1]);
    changed[changed.length - 1] ^= 1;
    expect((await post(changed)).status).toBe(422);
    await expect(store.restore(changed, digest)).rejects.toThrow();
    expect(await env.PROOFS.head(name)).toBeNull();
    const { stored, receivedAt } = await submit(proofs[1]);
    expect({ stored, receivedAt }).toEqual({ stored: 'before', receivedAt: (await store.record(digest))!.receivedAt });
    const raw = await ask(`/proofs/${digest}/raw`);
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(proofs[1]);
  });

  test('of many at once makes one record, and one complete run', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => submit(proofs[0])));
    expect(new Set(answers.map(({ receivedAt }) => receivedAt)).size).toBe(1);
    expect(new Set(answers.map(({ attestation }) => attestation!.signature)).size).toBe(1);
    const run = await json<Output<'run'>>(`/runs/${id}`);
    expect(run).toMatchObject({ complete: true, reached: 2, stop: null, missing: [] });
    expect(run.segments).toHaveLength(2);
    expect(run.final).toMatchObject({
      adapterRoot: segments[1].statement.segment.adapterOut,
      attestation: { attester },
    });
    const { status, answers: four } = await json<Output<'adapter'>>(`/adapters/${run.final!.adapterRoot}`);
    expect(status).toBe('verified');
    expect(four).toMatchObject({ proof: { answer: 'yes' }, attested: { answer: 'yes', evidence: { attester } } });
  });

  test('refuses a changed byte', async () => {
    const before = (await env.PROOFS.list()).objects.length;
    for (const at of [2000, proofs[0].length >> 1, proofs[0].length - 1]) {
      const changed = Uint8Array.from(proofs[0]);
      changed[at] ^= 1;
      expect([400, 422]).toContain((await problemIn(await post(changed))).status);
    }
    expect((await env.PROOFS.list()).objects.length).toBe(before);
  });
});

describe('two keys', () => {
  const both: Env = { ...withKey, ATTESTER_KEY_NEXT: NEXT_KEY };
  const addresses = [attester, addressOf(NEXT_KEY)];

  test('attest in an overlap', async () => {
    const answer = await submit(proofs[0], both);
    expect(answer.attestations.map((each) => each.attester)).toEqual(addresses);
    expect(answer.attestation).toEqual(answer.attestations[0]);
    const { final } = await json<Output<'run'>>(`/runs/${id}`, both);
    expect(final!.attestations.map((each) => each.attester)).toEqual(addresses);
    const verifiers = await json<Output<'verifiers'>>('/verifiers', both);
    expect(verifiers.attester).toBe(attester);
    expect(verifiers.attesters.filter(({ signing }) => signing).map(({ address }) => address)).toEqual(addresses);
  });
});

describe('verifier versions', () => {
  test('what another version verified is verified again', async () => {
    const earlier = await storeAsFormer(0);
    await env.PROOFS.delete(`records/${earlier.proofDigest}/${currentVerifier().digest}.json`);
    expect(await json(`/proofs/${earlier.proofDigest}`)).toMatchObject({ verifier: former, receivedAt: 1000 });
    const answer = await submit(proofs[0]);
    expect(answer).toMatchObject({ stored: 'now', verifier: currentVerifier() });
    const run = await json<Output<'run'>>(`/runs/${id}`);
    expect(run.segments.filter(({ proofDigest }) => proofDigest === earlier.proofDigest)).toHaveLength(2);
  });

  test('the former one withdrawn changes nothing of what the current one verified', async () => {
    await storeAsFormer(1);
    const before = await json<Output<'run'>>(`/runs/${id}`);
    await store.withdraw(former.digest, { at: 5000, reason: 'a check was missing' });
    const after = await json<Output<'run'>>(`/runs/${id}`);
    expect(after.final).toMatchObject({
      verifier: currentVerifier().digest,
      withdrawn: null,
      attestation: { attester },
    });
    expect(before.final).toMatchObject({ verifier: former.digest, withdrawn: null });
    expect(after.final!.record).not.toBe(before.final!.record);
  });

  const withdrawal = { at: 6000, reason: 'another check was missing' };

  test('the worker’s own one withdrawn while a body arrives: nothing is attested', async () => {
    // Each part is made when it is asked for: the second one after the worker has looked at the versions.
    const parts = [proofs[1].slice(0, 8192), proofs[1].slice(8192)];
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      if (parts.length === 1) await store.withdraw(currentVerifier().digest, withdrawal);
      controller.enqueue(parts.shift());
      if (parts.length === 0) controller.close();
    };
    const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await ask('/verify', { method: 'POST', body, headers }, withKey);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ withdrawn: withdrawal, attestation: null, attestations: [] });
  });

  test('the worker’s own one withdrawn: nothing is verified, attested or called verified', async () => {
    const problem = await problemIn(await post(proofs[0]));
    expect(problem).toMatchObject({ status: 503, code: 'VERIFIER_WITHDRAWN' });
    expect(problem.detail).toContain(withdrawal.reason);

    const record = await json<Output<'proof'>>(`/proofs/${toHex(sha256(proofs[0]))}`);
    expect(record).toMatchObject({ withdrawn: withdrawal, attestation: null, attestations: [] });
    const { final } = await json<Output<'run'>>(`/runs/${id}`);
    expect(final).toMatchObject({ attestation: null, attestations: [] });
    expect(final!.withdrawn).not.toBeNull();
    const { status, answers } = await json<Output<'adapter'>>(`/adapters/${final!.adapterRoot}`);
    expect(status).toBe('unknown');
    expect(answers).toMatchObject({ proof: { answer: 'no' }, attested: { answer: 'no' } });
    expect(answers.proof.why).toContain('was withdrawn');
    const { verifiers } = await json<Output<'verifiers'>>('/verifiers');
    expect(verifiers.filter(({ withdrawn }) => withdrawn !== null)).toHaveLength(2);
  });
});
