import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Output } from '../../api/client.ts';
import { toHex } from '../../protocol/bytes.ts';
import { runId } from '../../protocol/statement.ts';
import { addressOf } from '../../worker/attest.ts';
import type { Anchor } from '../../worker/chain.ts';
import type { Env } from '../../worker/env.ts';
import { Store } from '../../worker/store/store.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { ATTESTER_KEY, get, json, problemIn, sendJson, withKey, withoutKey } from './client.ts';
import { sample, sampleSegment, verifierOf } from './records.ts';

type Report = Output<'adapter'>;

const store = new Store(env);
const numbered = (n: number) => ({ ...SAMPLE_RUN, nonce: root(n) });
/** A registry whose node does not answer: what is told was told before. */
const REGISTRY = `0x${'11'.repeat(20)}` as const;
const withChain: Env = {
  ...withKey,
  CHAIN_RPC_URL: 'http://127.0.0.1:1',
  CHAIN_ID: '31337',
  REGISTRY_ADDRESS: REGISTRY,
};

/** Stores a complete run of two segments that ends at an adapter of its own, and returns what names it. */
async function complete(n: number, verifier = verifierOf('1')) {
  const run = numbered(n);
  const adapterRoot = root(0x80 + n);
  for (const segment of [sampleSegment(0, 4), { ...sampleSegment(4, 4), adapterOut: adapterRoot }]) {
    const { bytes, record } = sample({ run, segment, verifier, receivedAt: 1_700_000_000 + n });
    await store.accept(bytes, record);
  }
  return { id: toHex(runId(run)), adapterRoot };
}

/** What the registry told of a record a moment ago. */
async function told(record: string, said: Partial<Anchor>): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const none = { attester: null, anchoredAt: null, endedAt: null, successor: null, parent: null };
  const anchor = { chainId: 31337, registry: REGISTRY, record, status: 'anchored', ...none, ...said, readAt: now };
  await env.INDEX.prepare('INSERT OR REPLACE INTO anchors (record, anchor, read_at) VALUES (?1, ?2, ?3)')
    .bind(record, JSON.stringify(anchor), now)
    .run();
}

const report = (id: string, bindings: Env = withKey): Promise<Report> => json<Report>(`/adapters/${id}`, bindings);
const recordOf = async (adapterRoot: string): Promise<string> => (await report(adapterRoot)).runs[0].final!.record;

async function badge(id: string, bindings: Env = withKey): Promise<string> {
  const response = await get(`/badge/${id}.svg`, bindings);
  expect(response.status).toBe(200);
  return /<title id="title">zkLoRA: (\w+)<\/title>/.exec(await response.text())![1];
}

async function looked(ids: readonly string[], bindings: Env = withKey): Promise<Output<'lookup'>['answers']> {
  const response = await sendJson('/adapters/lookup', { ids }, bindings);
  expect(response.status).toBe(200);
  return (await response.json<Output<'lookup'>>()).answers;
}

describe('by adapter root', () => {
  let whole: Awaited<ReturnType<typeof complete>>;
  beforeAll(async () => {
    whole = await complete(1);
  });

  test('the final adapter of a complete run', async () => {
    const { kind, status, answers, runs, files, moreRuns } = await report(whole.adapterRoot);
    expect([kind, status, files, moreRuns]).toEqual(['root', 'verified', [], 0]);
    expect(answers.integrity).toMatchObject({ answer: 'not asked', why: expect.stringContaining('root') as string });
    expect(answers.proof).toMatchObject({ answer: 'yes', why: null });
    expect(answers.proof.evidence).toMatchObject({ run: whole.id, steps: 8, segments: 2, owner: SAMPLE_RUN.owner });
    expect(answers.attested).toMatchObject({ answer: 'yes', evidence: { attester: addressOf(ATTESTER_KEY) } });
    expect(answers.anchored).toMatchObject({ answer: 'not asked', why: 'this service reads no registry' });
    expect(runs).toMatchObject([{ runId: whole.id, complete: true, isFinal: true, steps: 8, anchor: null }]);
    expect(runs[0].final).toEqual((await json<Output<'run'>>(`/runs/${whole.id}`)).final);
    expect(runs[0].losses).toHaveLength(8);
  });

  test('without a key nobody is asked whether it is attested', async () => {
    const { answers } = await report(whole.adapterRoot, withoutKey);
    expect(answers.attested).toMatchObject({ answer: 'not asked', evidence: {} });
  });

  test('an adapter in the middle of a complete run is not its final one', async () => {
    const { status, runs, answers } = await report(root(0x14));
    expect(status).toBe('unknown');
    expect(runs[0]).toMatchObject({ complete: true, isFinal: false, final: null });
    expect(answers.proof).toMatchObject({
      answer: 'no',
      why: 'the run is proven as a whole, but this is its adapter after step 4 of 8',
    });
    expect(answers.attested.answer).toBe('no');
    expect((await report(root(0x14), withChain)).answers.anchored).toMatchObject({ answer: 'no' });
  });

  test('the last adapter of a run with a gap', async () => {
    const segment = { ...sampleSegment(4, 4), adapterOut: root(0xe1) };
    const { bytes, record } = sample({ run: numbered(20), segment });
    await store.accept(bytes, record);
    const { status, answers } = await report(root(0xe1));
    expect([status, answers.proof.answer, answers.attested.answer]).toEqual(['unknown', 'no', 'no']);
    expect(answers.proof.why).toContain('not proven as a whole');
  });

  test('of many runs that end there, the complete one is told first', async () => {
    const { adapterRoot, id } = await complete(2);
    for (let n = 30; n < 55; n++) {
      const segment = { ...sampleSegment(6, 2), adapterOut: adapterRoot };
      const { bytes, record } = sample({ run: numbered(n), segment, receivedAt: 1000 });
      await store.accept(bytes, record);
    }
    const { status, runs, moreRuns } = await report(adapterRoot);
    expect([status, runs.length, moreRuns]).toEqual(['verified', 20, 6]);
    expect(runs[0]).toMatchObject({ runId: id, isFinal: true });
  });

  test('a long loss curve is thinned, its ends stay', async () => {
    const run = { ...numbered(21), steps: 1000 };
    const counts = Array.from({ length: 1000 }, () => 1024);
    const losses = counts.map((_, i) => 1024 * 1024 * 2 - i);
    const { bytes, record } = sample({
      run,
      segment: { ...sampleSegment(0, 8), steps: 1000, adapterOut: root(0xe2), counts, losses },
    });
    await store.accept(bytes, record);
    const [here] = (await report(root(0xe2))).runs;
    expect(here.losses).toHaveLength(400);
    expect([here.losses[0].step, here.losses.at(-1)!.step]).toEqual([0, 999]);
    expect((await json<Output<'run'>>(`/runs/${record.runId}`)).losses).toHaveLength(1000);
  });
});

describe('by file', () => {
  const file = root(0xf1);
  const tensors = root(0xf2);

  test('a shown file, and its tensors, are the adapter', async () => {
    const { adapterRoot, id } = await complete(3);
    expect(await problemIn(await get(`/adapters/${file}`))).toMatchObject({ status: 404 });
    await store.showFile({ file, tensors, adapterRoot, runId: id, shownAt: 1_763_800_000 });
    for (const [given, kind] of [
      [file, 'file'],
      [tensors, 'tensors'],
    ]) {
      const answer = await report(given);
      expect(answer).toMatchObject({ id: given, kind, adapterRoot, status: 'verified' });
      expect(answer.answers.integrity).toMatchObject({ answer: 'yes', evidence: { file, tensors } });
      expect(answer.answers.integrity.evidence.shown).toBe('2025-11-22T08:26:40.000Z');
      expect(answer.files).toEqual([{ file, tensors, adapterRoot, runId: id, shownAt: 1_763_800_000 }]);
      expect(await badge(given)).toBe('verified');
    }
    expect((await report(adapterRoot)).answers.integrity.answer).toBe('not asked');
  });
});

describe('by record', () => {
  const attester = `0x${'22'.repeat(20)}` as const;
  const digits = (n: number): string => n.toString(16).padStart(64, '0');
  /** Two owners' runs that end at one adapter, and their records; the first owner speaks for it. */
  async function twoRecords(n: number) {
    const adapterRoot = digits(0xa00 + n);
    const segment = { ...sampleSegment(0, 8), adapterOut: adapterRoot };
    const second = `0x${'6f'.repeat(20)}`;
    const accepted: string[] = [];
    for (const [i, owner] of [SAMPLE_RUN.owner, second].entries()) {
      const { bytes, record } = sample({ run: { ...numbered(n), owner }, segment, receivedAt: 1_700_000_000 + i });
      await store.accept(bytes, record);
      accepted.push(record.runId);
    }
    const { runs } = await report(adapterRoot);
    expect(runs.map(({ runId }) => runId)).toEqual(accepted);
    return { adapterRoot, runs, records: runs.map(({ final }) => final!.record) };
  }

  test('an adapter is found, with or without 0x, and the run of the record is told first', async () => {
    const { adapterRoot, runs, records } = await twoRecords(70);
    for (const given of [records[1], records[1].slice(2)]) {
      const answer = await report(given);
      expect(answer).toMatchObject({ id: records[1].slice(2), kind: 'record', adapterRoot, status: 'verified' });
      expect(answer.runs.map(({ runId }) => runId)).toEqual([runs[1].runId, runs[0].runId]);
      expect(answer.answers.proof.evidence).toMatchObject({ run: runs[1].runId, record: records[1] });
      expect(answer.answers.integrity.why).toContain('that of a registry’s record');
      expect(await looked([given])).toEqual([
        {
          ...{ id: records[1].slice(2), status: 'verified', kind: 'record', adapterRoot },
          ...{ runId: runs[1].runId, record: records[1] },
        },
      ]);
      expect(await badge(given)).toBe('verified');
    }
    for (const none of [`0X${records[1].slice(2)}`, `0x${records[1]}`, records[1].slice(1)])
      expect(await problemIn(await get(`/adapters/${none}`))).toMatchObject({ status: 400 });
    expect(await problemIn(await get(`/adapters/0x${digits(0xabcdef)}`))).toMatchObject({ status: 404 });
  });

  test('nobody is anchored or revoked by the record of another', async () => {
    const { adapterRoot, records } = await twoRecords(71);
    await told(records[0], { status: 'anchored', attester, anchoredAt: 1_763_800_000 });
    await told(records[1], { status: 'revoked', attester, anchoredAt: 1_763_800_000, endedAt: 1_763_900_000 });
    const expected = [
      [adapterRoot, 'anchored'],
      [records[0], 'anchored'],
      [records[1], 'revoked'],
    ];
    for (const [given, status] of expected) {
      const answer = await report(given, withChain);
      expect([given, answer.status]).toEqual([given, status]);
      expect(answer.runs[0].anchor).toMatchObject({ status });
      expect(await looked([given], withChain)).toMatchObject([{ status }]);
      expect(await badge(given, withChain)).toBe(status);
    }
  });

  test('of the same run each verifier version’s record is told by itself; a revocation holds for all', async () => {
    const { adapterRoot } = await complete(72, verifierOf('72'));
    await complete(72, verifierOf('73'));
    const [{ completions }] = await store.statuses([adapterRoot]);
    const [first, second] = completions.map(({ record }) => record);
    await told(first, { status: 'anchored', attester, anchoredAt: 1_763_800_000 });
    await told(second, { status: 'unknown' });
    expect(await report(first, withChain)).toMatchObject({ status: 'anchored' });
    const other = await report(second, withChain);
    expect(other).toMatchObject({ status: 'verified', answers: { anchored: { answer: 'no' } } });
    expect(other.runs[0]).toMatchObject({ final: { record: second }, anchor: { record: second, status: 'unknown' } });
    expect(await looked([second], withChain)).toMatchObject([{ status: 'verified', record: second }]);
    await store.withdraw(completions[1].verifier, { at: 1, reason: 'a hole' });
    expect(await report(second, withChain)).toMatchObject({ status: 'unknown', answers: { proof: { answer: 'no' } } });
    await told(first, { status: 'revoked', attester, anchoredAt: 1_763_800_000, endedAt: 1_763_900_000 });
    expect(await report(second, withChain)).toMatchObject({ status: 'revoked' });
    expect(await looked([second], withChain)).toMatchObject([{ status: 'revoked' }]);
  });

  test('a person finds it too, and goes on to the records before and after it', async () => {
    const { records } = await twoRecords(74);
    const [parent, successor] = [`0x${digits(0x741)}`, `0x${digits(0x742)}`] as const;
    await told(records[1], { status: 'superseded', attester, anchoredAt: 1, endedAt: 2, parent, successor });
    const page = await get(`/?q=${records[1]}`, withChain);
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain('What you looked up is the id of a record');
    for (const record of [parent, successor]) expect(text).toContain(`href="/?q=${record}"`);
    expect((await get(`/?q=${successor}`, withChain)).status).toBe(404);
  });
});

describe('in the registry', () => {
  let adapterRoot: string;
  let record: string;
  let n = 4;
  beforeEach(async () => {
    ({ adapterRoot } = await complete(n++));
    record = await recordOf(adapterRoot);
  });

  const attester = `0x${'22'.repeat(20)}` as const;

  test('anchored', async () => {
    await told(record, { status: 'anchored', attester, anchoredAt: 1_763_800_000 });
    const { status, answers, runs } = await report(adapterRoot, withChain);
    expect(status).toBe('anchored');
    expect(answers.anchored).toMatchObject({
      answer: 'yes',
      evidence: { chain: 31337, registry: REGISTRY, record, attester, anchored: '2025-11-22T08:26:40.000Z' },
    });
    expect(runs[0].anchor).toMatchObject({ status: 'anchored', record });
    expect(await badge(adapterRoot, withChain)).toBe('anchored');
    expect(await looked([adapterRoot], withChain)).toMatchObject([{ status: 'anchored', record }]);
    // Where no registry is set, what one said once is not told.
    expect((await report(adapterRoot)).status).toBe('verified');
  });

  test('revoked', async () => {
    await told(record, { status: 'revoked', attester, anchoredAt: 1_763_800_000, endedAt: 1_763_900_000 });
    const { status, answers } = await report(adapterRoot, withChain);
    expect(status).toBe('revoked');
    expect(answers).toMatchObject({
      proof: { answer: 'yes' },
      anchored: { answer: 'no', why: 'its owner revoked it', evidence: { ended: '2025-11-23T12:13:20.000Z' } },
    });
    expect(await badge(adapterRoot, withChain)).toBe('revoked');
  });

  test('superseded counts as verified, and by what is told', async () => {
    const successor = `0x${root(0x77)}` as const;
    await told(record, { status: 'superseded', anchoredAt: 1, endedAt: 2, successor });
    const { status, answers } = await report(adapterRoot, withChain);
    expect(status).toBe('verified');
    expect(answers.anchored).toMatchObject({ answer: 'no', evidence: { successor } });
    expect(await badge(adapterRoot, withChain)).toBe('verified');
  });

  test('not there', async () => {
    await told(record, { status: 'unknown' });
    const { status, answers } = await report(adapterRoot, withChain);
    expect([status, answers.anchored.answer]).toEqual(['verified', 'no']);
  });

  test('a node that does not answer is told so, and takes nothing away', async () => {
    const { status, answers } = await report(adapterRoot, withChain);
    expect([status, answers.anchored.answer]).toEqual(['verified', 'not asked']);
    expect(answers.anchored.why).toContain('the chain could not be read');
    expect(answers.anchored.why).not.toContain('127.0.0.1');
    expect(await badge(adapterRoot, withChain)).toBe('verified');
  });

  test('a revocation holds for the records of all verifier versions', async () => {
    const later = verifierOf('2');
    await complete(n - 1, later);
    await store.withdraw(verifierOf('1').digest, { at: 1, reason: 'a check was missing' });
    const now = await report(adapterRoot, withChain);
    expect(now.status).toBe('verified');
    expect(now.runs[0].final!.record).not.toBe(record);
    // Anchored once, under the version that counts no more.
    await told(record, { status: 'anchored', anchoredAt: 1 });
    expect((await report(adapterRoot, withChain)).status).toBe('verified');
    await told(record, { status: 'revoked', anchoredAt: 1, endedAt: 2 });
    const { status, runs } = await report(adapterRoot, withChain);
    expect(status).toBe('revoked');
    expect(runs[0].anchor).toMatchObject({ record, status: 'revoked' });
    expect(await looked([adapterRoot], withChain)).toMatchObject([{ status: 'revoked' }]);
  });
});

describe('under a withdrawn verifier version', () => {
  test('an adapter is not verified, whatever a registry says', async () => {
    const verifier = verifierOf('3');
    const { adapterRoot } = await complete(15, verifier);
    const record = await recordOf(adapterRoot);
    await store.withdraw(verifier.digest, { at: 1_763_800_000, reason: 'it accepted too much' });
    await told(record, { status: 'anchored', anchoredAt: 1 });
    const { status, answers, runs } = await report(adapterRoot, withChain);
    expect(status).toBe('unknown');
    expect(answers.proof).toMatchObject({ answer: 'no', evidence: { withdrawn: '2025-11-22T08:26:40.000Z' } });
    expect(answers.proof.why).toContain('it accepted too much');
    expect(answers.attested.answer).toBe('no');
    expect(runs[0].final).toMatchObject({ withdrawn: { reason: 'it accepted too much' }, attestation: null });
    expect(await badge(adapterRoot, withChain)).toBe('unknown');
    expect(await looked([adapterRoot], withChain)).toMatchObject([{ status: 'unknown', adapterRoot }]);
  });
});

describe('POST /adapters/lookup', () => {
  test('a hundred, in their order, repeated ones too', async () => {
    const { adapterRoot, id } = await complete(16, verifierOf('4'));
    const ids = Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? adapterRoot : root(i % 50)));
    const answers = await looked(ids);
    expect(answers.map((answer) => answer.id)).toEqual(ids);
    expect(answers[0]).toMatchObject({ status: 'verified', kind: 'root', adapterRoot, runId: id });
    const unknown = { id: ids[1], status: 'unknown', kind: null, adapterRoot: null, runId: null, record: null };
    expect(answers[1]).toEqual(unknown);
    expect(answers.filter(({ status }) => status === 'verified')).toHaveLength(10);
  });

  test('is not kept', async () => {
    const response = await sendJson('/adapters/lookup', { ids: [root(1)] });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.has('etag')).toBe(false);
  });
});

describe('GET /badge/{id}.svg', () => {
  test('an unknown id has a badge too', async () => {
    expect(await badge(root(0))).toBe('unknown');
    const response = await get(`/badge/${root(0)}.svg`);
    expect(response.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'");
    const svg = await response.text();
    expect(svg).toContain('role="img" aria-labelledby="title"');
    expect(svg).not.toMatch(/href|script|style=|url\(http/);
  });
});
