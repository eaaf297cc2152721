import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import {
  recoverAddress,
  runAttestationDigest,
  segmentAttestationDigest,
  type Signed,
} from '../../protocol/attestation.ts';
import { parseSignedRun, parseSignedSegment } from '../../protocol/attestation-json.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { runDigest } from '../../protocol/statement.ts';
import { addressOf } from '../../worker/attest.ts';
import { ProofStore } from '../../worker/storage.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { ATTESTER_KEY, get, problemIn, withoutKey } from './client.ts';
import { entry, sample, sampleSegment } from './records.ts';

const attester = addressOf(ATTESTER_KEY);
const partial = { ...SAMPLE_RUN, nonce: root(2) };
const whole = [sampleSegment(0, 4), sampleSegment(4, 4)].map((segment, i) => sample({ segment, receivedAt: 100 + i }));
const part = [sampleSegment(0, 2), sampleSegment(4, 4)].map((segment) => sample({ run: partial, segment }));

async function json(path: string, bindings?: Parameters<typeof get>[1]): Promise<Record<string, unknown>> {
  const response = await get(path, bindings);
  expect(response.status).toBe(200);
  return response.json();
}

beforeAll(async () => {
  const store = new ProofStore(env.PROOFS);
  for (const { bytes, record } of [...whole, ...part]) await store.put(bytes, record);
});

describe('GET /proofs/{sha256}', () => {
  const { bytes, record } = whole[1];

  test('tells the record, attested', async () => {
    const { verdict, attestation, ...rest } = await json(`/proofs/${record.proofDigest}`);
    expect(verdict).toBe('valid');
    expect(rest).toEqual(record);
    const signed = parseSignedSegment(attestation);
    expect(signed.attestation).toMatchObject({
      statementHash: `0x${record.statementHash}`,
      proofDigest: `0x${record.proofDigest}`,
      verifier: `0x${record.verifier.digest}`,
      issuedAt: 101n,
    });
    expect(signed.attester).toBe(attester);
    expect(recoverAddress(segmentAttestationDigest(signed.attestation), signed.signature)).toBe(attester);
  });

  test('tells it without attestation where there is no key', async () => {
    expect((await json(`/proofs/${record.proofDigest}`, withoutKey)).attestation).toBeNull();
  });

  test('/raw gives the bytes, for ever the same', async () => {
    const response = await get(`/proofs/${record.proofDigest}/raw`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${record.proofDigest}"`,
      'access-control-allow-origin': '*',
    });
  });

  test('/raw gives nothing to whoever has them', async () => {
    for (const tag of [`"${record.proofDigest}"`, `"x", W/"${record.proofDigest}"`, '*']) {
      const response = await get(`/proofs/${record.proofDigest}/raw`, undefined, { headers: { 'if-none-match': tag } });
      expect(response.status).toBe(304);
      expect(await response.text()).toBe('');
    }
    const absent = await get(`/proofs/${root(9)}/raw`, undefined, { headers: { 'if-none-match': '*' } });
    expect((await problemIn(absent)).status).toBe(404);
    const other = await get(`/proofs/${record.proofDigest}/raw`, undefined, { headers: { 'if-none-match': '"x"' } });
    expect(other.status).toBe(200);
    await other.body?.cancel();
  });

  test('HEAD', async () => {
    const response = await get(`/proofs/${record.proofDigest}/raw`, undefined, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toBe(`"${record.proofDigest}"`);
    expect(await response.text()).toBe('');
  });
});

describe('GET /runs/{id}', () => {
  const { runId } = whole[0].record;

  test('a complete run: its final adapter, attested', async () => {
    const body = await json(`/runs/${runId}`);
    expect(body).toMatchObject({ runId, run: SAMPLE_RUN, complete: true, reached: 8, stop: null, missing: [] });
    expect(body.segments).toEqual(
      [sampleSegment(0, 4), sampleSegment(4, 4)].map((segment, i) => entry({ segment, receivedAt: 100 + i })),
    );
    const hashes = whole.map(({ record }) => fromHex(record.statementHash, 32));
    const digest = toHex(runDigest(fromHex(runId, 32), hashes));
    const { attestation, ...final } = body.final as { attestation: Signed<never> };
    expect(final).toEqual({
      adapterRoot: root(0x18),
      momentsRoot: root(0x38),
      runDigest: digest,
      verifier: whole[0].record.verifier.digest,
      completedAt: 101,
      proofs: whole.map(({ record }) => record.proofDigest),
    });
    const signed = parseSignedRun(attestation);
    expect(signed.attestation).toMatchObject({
      runId: `0x${runId}`,
      runDigest: `0x${digest}`,
      adapterRoot: `0x${root(0x18)}`,
      baseRoot: `0x${SAMPLE_RUN.baseRoot}`,
      dataRoot: `0x${SAMPLE_RUN.dataRoot}`,
      steps: 8n,
      issuedAt: 101n,
    });
    expect(signed.attestation.owner.toLowerCase()).toBe(SAMPLE_RUN.owner);
    expect(recoverAddress(runAttestationDigest(signed.attestation), signed.signature)).toBe(attester);
  });

  test('a complete run without a key is not attested', async () => {
    expect((await json(`/runs/${runId}`, withoutKey)).final).toMatchObject({ attestation: null });
  });

  test('a run with a gap is neither complete nor attested', async () => {
    const body = await json(`/runs/${part[0].record.runId}`);
    const missing = [{ first: 2, steps: 2 }];
    expect(body).toMatchObject({ complete: false, reached: 2, stop: 'missing', missing, final: null });
  });
});

describe('GET /adapters/{root}', () => {
  test('the final adapter of one run, and where another run ended', async () => {
    const { runs, moreRuns } = await json(`/adapters/${root(0x18)}`);
    expect(moreRuns).toBe(0);
    const byId = new Map((runs as { runId: string; final: unknown }[]).map((run) => [run.runId, run]));
    expect(byId.size).toBe(2);
    const final = byId.get(whole[0].record.runId);
    expect(final).toMatchObject({ complete: true, isFinal: true, owner: SAMPLE_RUN.owner, steps: 8 });
    expect(final!.final).toEqual((await json(`/runs/${whole[0].record.runId}`)).final);
    expect(byId.get(part[0].record.runId)).toMatchObject({
      complete: false,
      isFinal: false,
      final: null,
      proofs: [{ proofDigest: part[1].record.proofDigest, first: 4, steps: 4 }],
    });
  });

  test('an adapter in the middle of a complete run is not its final one', async () => {
    const { runs } = await json(`/adapters/${root(0x14)}`);
    expect(runs).toMatchObject([{ runId: whole[0].record.runId, complete: true, isFinal: false, final: null }]);
  });
});

describe('about the worker', () => {
  test('GET /verifiers', async () => {
    const body = await json('/verifiers');
    expect(body).toMatchObject({ attester });
    expect(body.verifiers).toMatchObject([{ digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string }]);
    expect((await json('/verifiers', withoutKey)).attester).toBeNull();
  });

  test('GET / and /healthz', async () => {
    expect(Object.keys((await json('/')).routes as object)).toContain('POST /verify');
    expect(await json('/healthz')).toEqual({ ok: true });
  });
});

describe('what is not there', () => {
  test.each([`/proofs/${root(9)}`, `/proofs/${root(9)}/raw`, `/runs/${root(9)}`, `/adapters/${root(9)}`, '/nothing'])(
    '%s',
    async (path) => {
      const response = await get(path);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await problemIn(response)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );

  test.each(['/proofs/xyz', `/runs/0x${root(9)}`, `/adapters/${root(0xab).toUpperCase()}`])('%s', async (path) => {
    expect(await problemIn(await get(path))).toMatchObject({ status: 400, code: 'ID' });
  });

  test('writing from other origins', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://a.test', 'access-control-request-method': 'POST' },
    };
    const response = await get('/verify', undefined, preflight);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET,HEAD');
  });
});
