import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Output } from '../../api/client.ts';
import {
  adapterRecordId,
  recoverAddress,
  runAttestationDigest,
  segmentAttestationDigest,
} from '../../protocol/attestation.ts';
import { parseSignedRun, parseSignedSegment } from '../../protocol/attestation-json.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { runDigest } from '../../protocol/statement.ts';
import { addressOf } from '../../worker/attest.ts';
import { Store } from '../../worker/store/store.ts';
import { currentVerifier } from '../../worker/version.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { ATTESTER_KEY, get, json, problemIn, withKey, withoutKey } from './client.ts';
import { entry, sample, sampleSegment, VERIFIER, verifierOf } from './records.ts';

const attester = addressOf(ATTESTER_KEY);
const partial = { ...SAMPLE_RUN, nonce: root(2) };
const whole = [sampleSegment(0, 4), sampleSegment(4, 4)].map((segment, i) => sample({ segment, receivedAt: 100 + i }));
const part = [sampleSegment(0, 2), sampleSegment(4, 4)].map((segment) => sample({ run: partial, segment }));

const others = { ...SAMPLE_RUN, nonce: root(3) };
const hidden = { ...SAMPLE_RUN, nonce: root(4), losses: 'hidden' as const };

beforeAll(async () => {
  const store = new Store(env);
  for (const { bytes, record } of [...whole, ...part]) await store.accept(bytes, record);
});

describe('GET /proofs/{sha256}', () => {
  const { bytes, record } = whole[1];

  test('tells the record, attested', async () => {
    const { verdict, attestation, attestations, withdrawn, ...rest } = await json(`/proofs/${record.proofDigest}`);
    expect([verdict, withdrawn, attestations]).toEqual(['valid', null, [attestation]]);
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
    const path = `/proofs/${record.proofDigest}/raw`;
    const absent = await get(`/proofs/${root(9)}/raw`, withKey, { headers: { 'if-none-match': '*' } });
    expect((await problemIn(absent)).status).toBe(404);
    const known = await get(path, withKey, { headers: { 'if-none-match': `"${record.proofDigest}"` } });
    expect([known.status, await known.text()]).toEqual([304, '']);
  });

  test('tells of several verifier versions the current one’s word, else the latest', async () => {
    const { bytes, record: first } = sample({ run: others, segment: sampleSegment(2, 2), receivedAt: 50 });
    const store = new Store(env);
    const told = () => json<Output<'proof'>>(`/proofs/${first.proofDigest}`);
    await store.accept(bytes, first);
    await store.accept(bytes, { ...first, verifier: verifierOf('2'), receivedAt: 60 });
    expect((await told()).verifier.version).toBe('2');
    await store.accept(bytes, { ...first, verifier: currentVerifier(), receivedAt: 40 });
    expect((await told()).verifier).toEqual(currentVerifier());
  });
});

describe('GET /runs/{id}', () => {
  const { runId } = whole[0].record;

  test('a complete run: its final adapter, attested', async () => {
    const body = await json<Output<'run'>>(`/runs/${runId}`);
    expect(body).toMatchObject({ runId, run: SAMPLE_RUN, complete: true, reached: 8, stop: null, missing: [] });
    const stored = [sampleSegment(0, 4), sampleSegment(4, 4)].map((segment, i) =>
      entry({ segment, receivedAt: 100 + i }),
    );
    expect(stored).toMatchObject(body.segments);
    expect(body.segments.map((segment) => Object.keys(segment).length)).toEqual([10, 10]);
    expect(body.moreSegments).toBe(0);
    const hashes = whole.map(({ record }) => fromHex(record.statementHash, 32));
    const digest = toHex(runDigest(fromHex(runId, 32), hashes));
    const { attestation, attestations, record, ...final } = body.final!;
    expect(final).toEqual({
      adapterRoot: root(0x18),
      momentsRoot: root(0x38),
      runDigest: digest,
      verifier: VERIFIER.digest,
      withdrawn: null,
      completedAt: 101,
      proofs: whole.map(({ record }) => record.proofDigest),
    });
    expect(attestations).toEqual([attestation]);
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
    expect(record).toBe(adapterRecordId(signed.attestation));
    expect(signed.attestation.owner.toLowerCase()).toBe(SAMPLE_RUN.owner);
    expect(recoverAddress(runAttestationDigest(signed.attestation), signed.signature)).toBe(attester);
  });

  test('a complete run without a key is not attested', async () => {
    expect((await json(`/runs/${runId}`, withoutKey)).final).toMatchObject({ attestation: null, attestations: [] });
  });

  test('a run with a gap is neither complete nor attested', async () => {
    const body = await json(`/runs/${part[0].record.runId}`);
    const missing = [{ first: 2, steps: 2 }];
    expect(body).toMatchObject({ complete: false, reached: 2, stop: 'missing', missing, final: null });
  });

  test('losses are nats a label, of each proven step', async () => {
    const { losses } = await json<Output<'run'>>(`/runs/${runId}`);
    expect(losses.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // Each segment of the sample has sums 400,000, 399,000, … at scale 1024, of 200, 201, … labels.
    expect(losses[0].loss).toBe(1.953125);
    expect(losses[5].loss).toBeCloseTo(399_000 / 1024 / 201, 6);
    const gap = await json<Output<'run'>>(`/runs/${part[0].record.runId}`);
    expect(gap.losses.map(({ step }) => step)).toEqual([0, 1, 4, 5, 6, 7]);
  });

  test('losses of a complete run are those of its chain alone', async () => {
    const run = { ...SAMPLE_RUN, nonce: root(5) };
    const store = new Store(env);
    const stray = { ...sampleSegment(2, 2), adapterIn: root(0xee), losses: [1, 1] };
    const segments = [stray, sampleSegment(0, 2), sampleSegment(2, 6)];
    for (const segment of segments) {
      const { bytes, record } = sample({ run, segment, content: `${segment.adapterIn}` });
      await store.accept(bytes, record);
    }
    const { record } = sample({ run, segment: sampleSegment(0, 2) });
    const { losses } = await json<Output<'run'>>(`/runs/${record.runId}`);
    expect(losses).toHaveLength(8);
    expect(Math.min(...losses.map(({ loss }) => loss))).toBeGreaterThan(1);
  });

  test('steps without labels, and runs that hide their losses, have none', async () => {
    const store = new Store(env);
    const bare = { ...sampleSegment(0, 2), counts: [0, 200], losses: [0, 204_800] };
    const one = sample({ run: others, segment: bare });
    const two = sample({ run: hidden, segment: { ...sampleSegment(0, 2), losses: null } });
    for (const { bytes, record } of [one, two]) await store.accept(bytes, record);
    const first = await json<Output<'run'>>(`/runs/${one.record.runId}`);
    expect(first.losses.filter(({ step }) => step < 2)).toEqual([{ step: 1, loss: 1 }]);
    expect((await json<Output<'run'>>(`/runs/${two.record.runId}`)).losses).toEqual([]);
  });
});

describe('GET /verifiers', () => {
  test('versions and keys', async () => {
    const body = await json<Output<'verifiers'>>('/verifiers');
    expect(body).toMatchObject({ attester, current: currentVerifier().digest });
    expect(body.attesters).toEqual([{ address: attester, validFrom: null, validUntil: null, signing: true }]);
    expect(body.verifiers).toContainEqual({ ...VERIFIER, withdrawn: null });
    expect(body.verifiers).toContainEqual({ ...currentVerifier(), withdrawn: null });
    expect(await json('/verifiers', withoutKey)).toMatchObject({ attester: null, attesters: [] });
  });
});

describe('what is not there', () => {
  test.each([`/proofs/${root(9)}`, `/proofs/${root(9)}/raw`, `/runs/${root(9)}`, `/adapters/${root(9)}`])(
    '%s',
    async (path) => {
      const response = await get(path);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await problemIn(response)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    },
  );
});
