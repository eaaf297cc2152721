/** What others submit must not change what is told of an adapter. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';

import { fileDigests } from '../../commitment/digests.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import type { Output } from '../../api/client.ts';
import type { Anchor } from '../../worker/chain.ts';
import type { Env } from '../../worker/env.ts';
import { Store } from '../../worker/store/store.ts';
import {
  patternAdapter,
  rawTensors,
  SAMPLE_ADAPTER_ROOT,
  sampleAdapterFile,
  tensorFile,
} from '../support/sample-adapter.ts';
import { SAMPLE_RUN } from '../support/statements.ts';
import { ask, get, json, sendJson, withKey } from './client.ts';
import { sample, sampleSegment, verifierOf } from './records.ts';

const store = new Store(env);
const root = (n: number): string => n.toString(16).padStart(64, '0');
const REGISTRY = `0x${'11'.repeat(20)}` as const;
/** A registry whose node does not answer: what is told was told before. */
const withChain: Env = {
  ...withKey,
  CHAIN_RPC_URL: 'http://127.0.0.1:1',
  CHAIN_ID: '31337',
  REGISTRY_ADDRESS: REGISTRY,
};
const OWNERS = [SAMPLE_RUN.owner, `0x${'ab'.repeat(20)}`];

interface Made {
  readonly n: number;
  readonly adapterRoot: string;
  readonly owner?: string;
  readonly version?: string;
  readonly receivedAt?: number;
}

/** A complete run that ends at an adapter; the id of its record. */
async function complete({ n, adapterRoot, owner = OWNERS[0], version = '1', receivedAt = 1000 }: Made) {
  const run = { ...SAMPLE_RUN, nonce: root(n), owner };
  const segment = { ...sampleSegment(0, 8), adapterOut: adapterRoot };
  const { bytes, record } = sample({ run, segment, verifier: verifierOf(version), receivedAt });
  await store.accept(bytes, record);
  const { runId } = record;
  const query = env.INDEX.prepare('SELECT record FROM completions WHERE run_id = ?1 AND verifier = ?2');
  return { runId, record: (await query.bind(runId, record.verifier.digest).first<string>('record'))! };
}

async function say(record: string, status: Anchor['status'], readAt = Math.floor(Date.now() / 1000)): Promise<void> {
  const none = { attester: null, anchoredAt: 7, endedAt: null, successor: null, parent: null };
  const anchor = { chainId: 31337, registry: REGISTRY, record, status, ...none, readAt };
  await env.INDEX.prepare('INSERT OR REPLACE INTO anchors (record, anchor, read_at) VALUES (?1, ?2, ?3)')
    .bind(record, JSON.stringify(anchor), readAt)
    .run();
}

async function statuses(ids: readonly string[]): Promise<string[]> {
  const response = await sendJson('/adapters/lookup', { ids }, withChain);
  return (await response.json<Output<'lookup'>>()).answers.map(({ status }) => status);
}

test('somebody whose own run ends at the same adapter cannot revoke it, nor anchor it for its owner', async () => {
  const adapterRoot = root(0x41);
  const first = await complete({ n: 1, adapterRoot });
  const other = await complete({ n: 2, adapterRoot, owner: OWNERS[1], receivedAt: 2000 });
  for (const status of ['revoked', 'anchored'] as const) {
    await say(first.record, 'unknown');
    await say(other.record, status);
    expect(await statuses([adapterRoot])).toEqual(['verified']);
    const report = await json<Output<'adapter'>>(`/adapters/${adapterRoot}`, withChain);
    expect(report).toMatchObject({ status: 'verified', runs: [{ runId: first.runId }, { runId: other.runId }] });
    expect(report.answers.anchored).toMatchObject({ answer: 'no', evidence: { record: first.record } });
  }
});

test('nor can he take a revocation back', async () => {
  const adapterRoot = root(0x42);
  const first = await complete({ n: 3, adapterRoot });
  const other = await complete({ n: 4, adapterRoot, owner: OWNERS[1], receivedAt: 2000 });
  await say(first.record, 'revoked');
  await say(other.record, 'anchored');
  expect(await statuses([adapterRoot])).toEqual(['revoked']);
  const report = await json<Output<'adapter'>>(`/adapters/${adapterRoot}`, withChain);
  expect(report).toMatchObject({ status: 'revoked', answers: { anchored: { answer: 'no' } } });
});

test('a revocation that was heard of counts in a long look-up whose node fails', async () => {
  const roots = Array.from({ length: 60 }, (_, i) => root(0x100 + i));
  const records: string[] = [];
  for (const [i, adapterRoot] of roots.entries())
    for (const version of ['1', '2'])
      records.push((await complete({ n: 0x200 + i, adapterRoot, version, receivedAt: 1000 + i })).record);
  // Read a while ago, so that the node is asked again, and fails.
  for (const record of records.slice(-2)) await say(record, 'revoked', 1000);
  expect((await statuses(roots)).slice(-2)).toEqual(['verified', 'revoked']);
});

test('the bytes of an adapter under a header that deals them out otherwise are not that adapter', async () => {
  const run = SAMPLE_RUN;
  const { record } = sample({ run, segment: { ...sampleSegment(0, 8), adapterOut: SAMPLE_ADAPTER_ROOT } });
  const { bytes } = sample({ run, segment: { ...sampleSegment(0, 8), adapterOut: SAMPLE_ADAPTER_ROOT } });
  await store.accept(bytes, record);
  const file = Uint8Array.from(sampleAdapterFile());
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await ask(`/runs/${record.runId}/files`, { method: 'POST', body: file, headers })).status).toBe(200);

  const tensors = rawTensors(run, patternAdapter(run));
  const sizes = Map.groupBy(tensors, ({ shape }) => shape.join());
  const [a, b] = [...sizes.values()].find((same) => same.length > 1)!;
  const swapped = tensorFile(tensors.map((t) => ({ ...t, name: t === a ? b.name : t === b ? a.name : t.name })));
  const data = (of: Uint8Array) => of.slice(8 + Number(new DataView(of.buffer).getBigUint64(0, true)));
  expect(data(swapped)).toEqual(data(file));
  expect(adapterRootOfFile(swapped, run)).not.toBe(SAMPLE_ADAPTER_ROOT);

  const of = [fileDigests(file).tensors, fileDigests(swapped).tensors];
  expect(await statuses(of)).toEqual(['verified', 'unknown']);
  expect((await get(`/adapters/${of[1]}`, withChain)).status).toBe(404);
});

test('files that others showed before do not hide the one that is asked about', async () => {
  const adapterRoot = root(0x43);
  const { runId } = await complete({ n: 5, adapterRoot });
  for (let i = 0; i < 100; i++)
    await store.showFile({ file: root(0x300 + i), tensors: root(0x999), adapterRoot, runId, shownAt: 10 + i });
  const last = { file: root(0x400), tensors: root(0x401), adapterRoot, runId, shownAt: 1000 };
  await store.showFile(last);
  for (const id of [last.file, last.tensors]) {
    const report = await json<Output<'adapter'>>(`/adapters/${id}`);
    expect(report.files).toHaveLength(100);
    expect(report.answers.integrity).toMatchObject({ answer: 'yes', evidence: { file: last.file } });
  }
});
