import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { ProofStore } from '../../worker/storage.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { entry, sample, sampleSegment } from './records.ts';

const store = new ProofStore(env.PROOFS);
const keys = async (): Promise<string[]> => (await env.PROOFS.list()).objects.map((object) => object.key);
/** A run of its own for each test. */
const runNumber = (n: number) => ({ ...SAMPLE_RUN, nonce: root(n) });

describe('a stored proof', () => {
  test('has its bytes, its record and two index entries', async () => {
    const options = { run: runNumber(1), segment: sampleSegment(2, 2) };
    const { bytes, record } = sample(options);
    expect(await store.put(bytes, record)).toEqual(record);

    const { proofDigest, runId } = record;
    expect((await keys()).filter((key) => key.includes(proofDigest))).toEqual([
      `adapters/${root(0x14)}/${runId}/${proofDigest}`,
      `proofs/${proofDigest}`,
      `records/${proofDigest}.json`,
      `runs/${runId}/0000000002-${proofDigest}`,
    ]);
    expect(await (await store.raw(proofDigest))!.bytes()).toEqual(bytes);
    expect(await store.record(proofDigest)).toEqual(record);
    expect(await store.segmentsOf(runId)).toEqual([entry(options)]);
    expect(await store.segmentsEndingAt(root(0x14))).toEqual(new Map([[runId, [entry(options)]]]));
  });

  test('is one record, the first, however often and at once it comes', async () => {
    const options = { run: runNumber(2), segment: sampleSegment(0, 1) };
    const times = [1000, 2000, 3000];
    const samples = times.map((receivedAt) => sample({ ...options, receivedAt }));
    const kept = await Promise.all(samples.map(({ bytes, record }) => store.put(bytes, record)));
    expect(new Set(kept.map((record) => record.receivedAt)).size).toBe(1);
    expect(times).toContain(kept[0].receivedAt);
    expect(await store.segmentsOf(kept[0].runId)).toEqual([entry({ ...options, receivedAt: kept[0].receivedAt })]);
  });

  test('is refused under the digest of other bytes', async () => {
    const { record } = sample({ run: runNumber(3), segment: sampleSegment(0, 1) });
    await expect(store.put(Uint8Array.of(1, 2, 3), record)).rejects.toThrow(/checksum|sha-?256/i);
    expect(await store.record(record.proofDigest)).toBeNull();
  });

  test('is indexed again by whoever submits it again', async () => {
    const options = { run: runNumber(4), segment: sampleSegment(0, 1) };
    const { bytes, record } = sample(options);
    await env.PROOFS.put(`proofs/${record.proofDigest}`, bytes);
    await env.PROOFS.put(`records/${record.proofDigest}.json`, JSON.stringify(record));
    expect(await store.segmentsOf(record.runId)).toEqual([]);
    await store.put(bytes, record);
    expect(await store.segmentsOf(record.runId)).toEqual([entry(options)]);
  });
});

describe('the index', () => {
  test('is in the order of steps, beyond one page of a listing', async () => {
    const run = { ...runNumber(5), steps: 2 ** 20 };
    const firsts = Array.from({ length: 40 }, (_, i) => (i * 7919) % 100_000);
    for (const first of firsts) {
      const { record } = sample({ run, segment: sampleSegment(first % 0x60, 1), content: String(first) });
      const segment = { ...record.statement.segment, first };
      await store.index({ ...record, statement: { run, segment } });
    }
    const { runId } = sample({ run, segment: sampleSegment(0, 1) }).record;
    const found = await store.segmentsOf(runId);
    expect(found.map((s) => s.first)).toEqual([...firsts].sort((a, b) => a - b));
  });

  test('keeps runs apart', async () => {
    const segment = { ...sampleSegment(0, 1), adapterOut: root(0xfa) };
    const records = [6, 7].map((n) => sample({ run: runNumber(n), segment }).record);
    for (const record of records) await store.index(record);
    const byRun = await store.segmentsEndingAt(root(0xfa));
    expect([...byRun.keys()].sort()).toEqual(records.map((record) => record.runId).sort());
  });

  test('knows nothing of what was not stored', async () => {
    expect(await store.record(root(0))).toBeNull();
    expect(await store.raw(root(0))).toBeNull();
    expect(await store.segmentsOf(root(0))).toEqual([]);
    expect(await store.segmentsEndingAt(root(0))).toEqual(new Map());
  });
});
