import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import type { ProofRecord } from '../../worker/store/types.ts';
import { MAX_PROOFS_OF_STATEMENT } from '../../worker/store/index.ts';
import { Store } from '../../worker/store/store.ts';
import { currentVerifier } from '../../worker/version.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { rowsOf } from './index-rows.ts';
import { entry, sample, sampleSegment, VERIFIER, verifierOf, type RecordOptions } from './records.ts';

const store = new Store(env);
/** A run of its own for each test. */
const runNumber = (n: number) => ({ ...SAMPLE_RUN, nonce: root(n) });

async function accept(options: RecordOptions): Promise<ProofRecord> {
  const { bytes, record } = sample(options);
  return store.accept(bytes, record);
}

/** The whole sample run in two segments; the adapter at its end is of the test's own. */
const wholeRun = (n: number, last = root(n), options: Partial<RecordOptions> = {}): RecordOptions[] =>
  [sampleSegment(0, 4), { ...sampleSegment(4, 4), adapterOut: last }].map((segment) => ({
    run: runNumber(n),
    segment,
    ...options,
  }));

async function acceptAll(all: readonly RecordOptions[]): Promise<ProofRecord[]> {
  const records: ProofRecord[] = [];
  for (const options of all) records.push(await accept(options));
  return records;
}

describe('a stored proof', () => {
  test('has its bytes, its run, its record and its rows', async () => {
    const options = { run: runNumber(1), segment: sampleSegment(2, 2) };
    const { bytes, record } = sample(options);
    expect(await store.accept(bytes, record)).toEqual(record);

    const { proofDigest, runId, verifier } = record;
    const names = (await env.PROOFS.list()).objects.map((object) => object.key);
    expect(names.filter((name) => name.includes(proofDigest) || name.includes(runId))).toEqual([
      `proofs/${proofDigest}`,
      `records/${proofDigest}/${verifier.digest}.json`,
      `runs/${runId}.json`,
    ]);
    expect(await (await store.raw(proofDigest))!.bytes()).toEqual(bytes);
    expect(await store.has(proofDigest)).toBe(true);
    expect(await store.record(proofDigest)).toEqual(record);
    expect(await store.run(runId)).toEqual({ runId, run: options.run, segments: [entry(options)], more: 0 });
    expect(await store.runsEndingAt(root(0x14), 5)).toEqual({ runIds: [runId], more: 0 });
    expect(await store.named(root(0x14))).toEqual({ kind: 'root', adapterRoot: root(0x14) });
  });

  test('is refused under the digest of other bytes, and leaves nothing', async () => {
    const { record } = sample({ run: runNumber(3), segment: sampleSegment(0, 1) });
    await expect(store.accept(Uint8Array.of(1, 2, 3), record)).rejects.toThrow(/checksum|sha-?256/i);
    expect(await store.record(record.proofDigest)).toBeNull();
    expect(await store.has(record.proofDigest)).toBe(false);
    expect(await store.run(record.runId)).toBeNull();
  });

  test('has a record by each verifier version', async () => {
    const options = { run: runNumber(4), segment: sampleSegment(0, 8), content: 'versions' };
    const [old, newer] = [verifierOf('0.8'), verifierOf('0.9')];
    const first = await accept({ ...options, verifier: old, receivedAt: 100 });
    const second = await accept({ ...options, verifier: newer, receivedAt: 200 });
    expect(second.proofDigest).toBe(first.proofDigest);
    expect(await store.record(first.proofDigest, old.digest)).toEqual(first);
    expect(await store.record(first.proofDigest, VERIFIER.digest)).toBeNull();
    expect(await store.record(first.proofDigest)).toEqual(second);
    expect(await rowsOf('completions', 'WHERE run_id = ?1', first.runId)).toHaveLength(2);

    await store.withdraw(newer.digest, { at: 300, reason: 'a hole' });
    expect(await store.record(first.proofDigest)).toEqual(first);
    await store.withdraw(old.digest, { at: 300, reason: 'another' });
    expect(await store.record(first.proofDigest)).toEqual(second);

    const third = await accept({ ...options, verifier: currentVerifier(), receivedAt: 50 });
    expect(await store.record(first.proofDigest)).toEqual(third);
  });

  test('is one of few of its statement', async () => {
    const options = { run: runNumber(5), segment: sampleSegment(0, 2) };
    for (let i = 0; i < MAX_PROOFS_OF_STATEMENT; i++) await accept({ ...options, content: `nonce ${i}` });
    const refused = { status: 503, details: { code: 'TOO_MANY_PROOFS' } };
    await expect(accept({ ...options, content: 'one more' })).rejects.toMatchObject(refused);
    const { record } = sample({ ...options, content: 'one more' });
    expect(await store.has(record.proofDigest)).toBe(false);
    // What is stored stays as it is; another statement, and another verifier version, have room.
    await accept({ ...options, content: 'nonce 3' });
    await accept({ run: options.run, segment: sampleSegment(2, 2) });
    await accept({ ...options, content: 'one more', verifier: verifierOf('5') });
    expect((await store.run(record.runId))!.segments).toHaveLength(MAX_PROOFS_OF_STATEMENT + 2);
  });
});

describe('a run', () => {
  test('becomes complete once, and that is told once', async () => {
    const [first, last] = wholeRun(10);
    const { runId } = await accept(last);
    expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toEqual([]);
    await accept(first);
    const [completion, ...others] = await rowsOf('completions', 'WHERE run_id = ?1', runId);
    expect(others).toEqual([]);
    expect(completion).toMatchObject({ verifier: VERIFIER.digest, adapter_root: root(10) });
    const events = await rowsOf('events', "WHERE data ->> '$.runId' = ?1", runId);
    expect(events).toMatchObject([{ type: 'run.complete' }]);
    expect(await rowsOf('anchors', 'WHERE record = ?1', completion.record as string)).toHaveLength(1);

    // More proofs of it change nothing of that.
    await accept({ run: runNumber(10), segment: { ...sampleSegment(0, 8), adapterOut: root(10) }, receivedAt: 2e9 });
    await accept({ ...first, content: 'again', receivedAt: 2e9 });
    expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toEqual([completion]);
    expect(await rowsOf('events', "WHERE data ->> '$.runId' = ?1", runId)).toEqual(events);
  });

  test('is told by its steps, with counts and losses', async () => {
    const run = { ...runNumber(11), losses: 'hidden' as const };
    const segments = [sampleSegment(4, 4), sampleSegment(0, 2), sampleSegment(2, 2)];
    const all = segments.map((segment) => ({ run, segment: { ...segment, losses: null } }));
    const [{ runId }] = await acceptAll(all);
    expect((await store.run(runId))!.segments).toEqual([all[1], all[2], all[0]].map(entry));
  });

  test('does not become complete of two verifier versions', async () => {
    const [first, last] = wholeRun(12);
    const { runId } = await accept({ ...first, verifier: verifierOf('1') });
    await accept({ ...last, verifier: verifierOf('2') });
    expect(await rowsOf('completions', 'WHERE run_id = ?1', runId)).toEqual([]);
  });

  test('is complete once for each final adapter and verifier version, as protocol/chain.ts tells', async () => {
    const [{ runId }] = await acceptAll(wholeRun(13));
    await acceptAll(wholeRun(13, root(0xd3)));
    await acceptAll(wholeRun(13, root(13), { verifier: verifierOf('2') }));
    const rows = await rowsOf('completions', 'WHERE run_id = ?1', runId);
    const places = rows.map((row) => `${row.verifier} ${row.adapter_root}`).sort();
    const [one, two] = [VERIFIER.digest, verifierOf('2').digest];
    expect(places).toEqual([`${one} ${root(13)}`, `${one} ${root(0xd3)}`, `${two} ${root(13)}`].sort());
    expect(new Set(rows.map((row) => row.record)).size).toBe(3);
  });

  test('that nobody proved is none', async () => {
    expect(await store.run(root(0))).toBeNull();
    expect(await store.record(root(0))).toBeNull();
    expect(await store.raw(root(0))).toBeNull();
    expect(await store.named(root(0))).toBeNull();
    expect(await store.runsEndingAt(root(0), 5)).toEqual({ runIds: [], more: 0 });
    expect(await store.filesOf(root(0))).toEqual([]);
  });
});

describe('an event', () => {
  test('that is old is entered as sent', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const [n, receivedAt, sent] of [
      [20, now - 90_000, now - 90_000],
      [21, now - 80_000, null],
    ] as const) {
      const [{ runId }] = await acceptAll(wholeRun(n, root(n), { receivedAt }));
      expect(await rowsOf('events', "WHERE data ->> '$.runId' = ?1", runId)).toMatchObject([{ sent_at: sent }]);
    }
  });
});

describe('verifier versions', () => {
  test('are those that verified, and the current one', async () => {
    await accept({ run: runNumber(30), segment: sampleSegment(0, 1), verifier: verifierOf('30') });
    const known = await store.verifiers();
    expect(known).toContainEqual({ ...verifierOf('30'), withdrawn: null });
    expect(known.filter(({ digest }) => digest === currentVerifier().digest)).toHaveLength(1);
  });

  test('are withdrawn once, for the first reason, and that is told once', async () => {
    const { digest } = verifierOf('31');
    await accept({ run: runNumber(31), segment: sampleSegment(0, 1), verifier: verifierOf('31') });
    const first = { at: 1000, reason: 'it accepts "everything"' };
    expect(await store.withdraw(digest, first)).toEqual(first);
    expect(await store.withdraw(digest, { at: 2000, reason: 'another' })).toEqual(first);
    expect((await store.verifiers()).find((each) => each.digest === digest)).toMatchObject({ withdrawn: first });
    expect(
      await rowsOf('events', "WHERE data ->> '$.verifier' = ?1 AND type = 'verifier.withdrawn'", digest),
    ).toHaveLength(1);
    // A proof that comes afterwards does not bring it back.
    await accept({ run: runNumber(31), segment: sampleSegment(1, 1), verifier: verifierOf('31') });
    expect((await store.verifiers()).find((each) => each.digest === digest)).toMatchObject({ withdrawn: first });
  });

  test('that nobody knows are not withdrawn', async () => {
    await expect(store.withdraw(root(0xee), { at: 1, reason: 'x' })).rejects.toMatchObject({ status: 404 });
    expect(await env.PROOFS.head(`verifiers/${root(0xee)}.withdrawn.json`)).toBeNull();
  });

  test('the current one can be withdrawn before it verified anything', async () => {
    const { digest } = currentVerifier();
    const withdrawal = { at: 5, reason: 'too early' };
    expect(await store.withdraw(digest, withdrawal)).toEqual(withdrawal);
    const current = (await store.verifiers()).filter((each) => each.digest === digest);
    expect(current).toEqual([{ ...currentVerifier(), withdrawn: withdrawal }]);
  });
});

describe('attesting keys', () => {
  const address = `0x${'Ab'.repeat(20)}`;

  test('have the window announced last', async () => {
    const window = (validUntil: number | null) => ({ address, validFrom: 10, validUntil });
    await store.announceAttester(window(null), 100);
    await store.announceAttester(window(500), 200);
    await store.announceAttester(window(900), 150);
    expect(await store.attesters()).toEqual([window(500)]);
    await store.announceAttester(window(500), 200);
    await expect(store.announceAttester(window(501), 200)).rejects.toMatchObject({ status: 409 });
    expect(await store.attesters()).toEqual([window(500)]);
  });
});
