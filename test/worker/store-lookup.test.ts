import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import type { ProofRecord, ShownFile } from '../../worker/store/types.ts';
import { MAX_FILES, MAX_STORED_FILES } from '../../worker/store/lookup.ts';
import { Store } from '../../worker/store/store.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { sample, sampleSegment, verifierOf, type RecordOptions } from './records.ts';

const store = new Store(env);

/** 32 bytes in hexadecimal from a number. */
const id = (n: number): string => n.toString(16).padStart(64, '0');
const runNumber = (n: number) => ({ ...SAMPLE_RUN, nonce: id(n) });

async function accept(options: RecordOptions): Promise<ProofRecord> {
  const { bytes, record } = sample(options);
  return store.accept(bytes, record);
}

/** A complete run that ends at an adapter. */
const complete = (n: number, adapterOut: string, options: Partial<RecordOptions> = {}): Promise<ProofRecord> =>
  accept({ run: runNumber(n), segment: { ...sampleSegment(0, 8), adapterOut }, ...options });

/** Steps in the middle of a run, which anybody can prove from an adapter of his own to any other. */
const middle = (n: number, adapterOut: string, options: Partial<RecordOptions> = {}): Promise<ProofRecord> =>
  accept({ run: runNumber(n), segment: { ...sampleSegment(4, 1), adapterOut }, ...options });

const show = (adapterRoot: string, { runId }: ProofRecord, digests: Partial<ShownFile> = {}): Promise<ShownFile> =>
  store.showFile({ file: id(1), tensors: id(2), adapterRoot, runId, shownAt: 100, ...digests });

describe('a shown file', () => {
  test('is found by its digest and by that of its tensors', async () => {
    const record = await complete(100, id(0xa0));
    const shown = await show(id(0xa0), record, { file: id(0xa1), tensors: id(0xa2) });
    expect(await store.named(id(0xa1))).toEqual({ kind: 'file', adapterRoot: id(0xa0) });
    expect(await store.named(id(0xa2))).toEqual({ kind: 'tensors', adapterRoot: id(0xa0) });
    expect(await store.filesOf(id(0xa0))).toEqual([shown]);
    // With other metadata it is another file of the same tensors.
    const other = await show(id(0xa0), record, { file: id(0xa3), tensors: id(0xa2), shownAt: 200 });
    expect(await store.filesOf(id(0xa0))).toEqual([shown, other]);
    // The first time stays, whatever a later request says.
    expect(await show(id(0xa0), record, { file: id(0xa1), tensors: id(0xa9), shownAt: 300 })).toEqual(shown);
    expect(await store.named(id(0xa9))).toBeNull();
  });

  test('is refused where no proof of the run ends at its root', async () => {
    const record = await complete(101, id(0xb0));
    const refused = {
      status: 422,
      details: { code: 'ADAPTER_ROOT', evidence: { adapterRoot: id(0xbf), runId: record.runId } },
    };
    await expect(show(id(0xbf), record, { file: id(0xb1) })).rejects.toMatchObject(refused);
    // A proof of another run ends there.
    await complete(102, id(0xbf));
    await expect(show(id(0xbf), record, { file: id(0xb1) })).rejects.toMatchObject(refused);
    expect(await store.named(id(0xb1))).toBeNull();
    expect((await env.PROOFS.list({ prefix: `files/${id(0xbf)}` })).objects).toEqual([]);
  });

  test('does not take the name of a proven adapter, whoever comes first', async () => {
    const thief = await middle(110, id(0xc1));
    await show(id(0xc1), thief, { file: id(0xc8), tensors: id(0xc9), shownAt: 1 });
    expect(await store.named(id(0xc8))).toEqual({ kind: 'file', adapterRoot: id(0xc1) });

    const owner = await complete(111, id(0xc2));
    await show(id(0xc2), owner, { file: id(0xc8), tensors: id(0xc9), shownAt: 2 });
    const late = await middle(112, id(0xc3));
    await show(id(0xc3), late, { file: id(0xc8), tensors: id(0xc9), shownAt: 3 });
    expect(await store.named(id(0xc8))).toEqual({ kind: 'file', adapterRoot: id(0xc2) });
    expect(await store.named(id(0xc9))).toEqual({ kind: 'tensors', adapterRoot: id(0xc2) });
  });

  test('is one of a bounded number', async () => {
    const record = await complete(120, id(0xd0));
    const insert = 'INSERT INTO files (adapter_root, file, tensors, run_id, shown_at) VALUES (?1, ?2, ?3, ?4, ?5)';
    for (let i = 0; i < MAX_STORED_FILES; i += 100)
      await env.INDEX.batch(
        Array.from({ length: 100 }, (_, j) => {
          const file = id(0xd00000 + i + j);
          return env.INDEX.prepare(insert).bind(id(0xd0), file, id(0xd1), record.runId, i + j);
        }),
      );
    await expect(show(id(0xd0), record, { file: id(0xdf) })).rejects.toMatchObject({
      status: 503,
      details: { code: 'TOO_MANY_FILES' },
    });
    expect(await store.filesOf(id(0xd0))).toHaveLength(MAX_FILES);
    expect(await store.named(id(0xd1))).toEqual({ kind: 'tensors', adapterRoot: id(0xd0) });
  });
});

describe('a look-up', () => {
  test('of a hundred ids is in their order, with what completes each', async () => {
    const record = await complete(130, id(0xe0));
    await show(id(0xe0), record, { file: id(0xe1), tensors: id(0xe2) });
    await middle(131, id(0xe3));
    const asked = [id(0xe2), id(0xe3), root(0xff), id(0xe1), id(0xe0), id(0xe0)];
    asked.push(...Array.from({ length: 94 }, (_, i) => id(0xeeee00 + i)));
    const rows = await store.statuses(asked);
    expect(rows.map((row) => row.id)).toEqual(asked);
    expect(rows.slice(0, 7).map((row) => row.named?.kind ?? null)).toEqual([
      ...['tensors', 'root', null, 'file', 'root', 'root', null],
    ]);
    expect(rows.map((row) => row.completions.length).slice(0, 7)).toEqual([1, 0, 0, 1, 1, 1, 0]);
    expect(rows[0].completions[0]).toEqual({
      owner: SAMPLE_RUN.owner,
      runId: record.runId,
      verifier: record.verifier.digest,
      adapterRoot: id(0xe0),
      runDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      record: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
      completedAt: record.receivedAt,
      withdrawn: null,
    });
  });

  test('of a root goes before that of a file with the same digits', async () => {
    const record = await complete(132, id(0x132));
    await complete(133, id(0x133));
    await show(id(0x132), record, { file: id(0x133), tensors: id(0x132) });
    expect(await store.named(id(0x133))).toEqual({ kind: 'root', adapterRoot: id(0x133) });
    expect(await store.named(id(0x132))).toEqual({ kind: 'root', adapterRoot: id(0x132) });
  });

  test('of a record tells its own completion first, and never goes before a root', async () => {
    const before = await complete(136, id(0x136), { receivedAt: 10 });
    const after = await complete(137, id(0x136), { receivedAt: 20 });
    const [{ completions }] = await store.statuses([id(0x136)]);
    expect(completions.map(({ runId }) => runId)).toEqual([before.runId, after.runId]);
    const { record } = completions[1];
    const digits = record.slice(2);
    const [row] = await store.statuses([digits]);
    const named = { kind: 'record', adapterRoot: id(0x136), runId: after.runId, record };
    expect(row).toEqual({ id: digits, named, completions: [completions[1], completions[0]] });
    expect(await store.named(digits)).toEqual(named);
    // A proof in the middle of somebody's run can be made to end at any digits.
    await middle(138, digits);
    expect(await store.named(digits)).toEqual({ kind: 'root', adapterRoot: digits });
  });

  test('of a record is not kept from it by how many others end at its adapter', async () => {
    const runs: ProofRecord[] = [];
    for (let i = 0; i < 18; i++) runs.push(await complete(0x13900 + i, id(0x139), { receivedAt: 100 + i }));
    const last = runs.at(-1)!;
    const query = 'SELECT record FROM completions WHERE run_id = ?1';
    const record = (await env.INDEX.prepare(query).bind(last.runId).first<string>('record'))!;
    expect((await store.statuses([id(0x139)]))[0].completions.map(({ runId }) => runId)).not.toContain(last.runId);
    const [{ completions }] = await store.statuses([record.slice(2)]);
    expect(completions[0]).toMatchObject({ runId: last.runId, record });
  });

  test('of nothing', async () => {
    expect(await store.statuses([])).toEqual([]);
  });

  test('tells completions that count first, and withdrawn ones as such', async () => {
    const [old, newer] = [verifierOf('134'), verifierOf('135')];
    await complete(134, id(0x134), { verifier: old, receivedAt: 10 });
    await complete(134, id(0x134), { verifier: newer, receivedAt: 20 });
    const verifiers = async () => (await store.statuses([id(0x134)]))[0].completions.map((each) => each.verifier);
    expect(await verifiers()).toEqual([old.digest, newer.digest]);
    await store.withdraw(old.digest, { at: 30, reason: 'a hole' });
    expect(await verifiers()).toEqual([newer.digest, old.digest]);
    const [{ completions }] = await store.statuses([id(0x134)]);
    expect(completions.map((each) => each.withdrawn)).toEqual([null, { at: 30, reason: 'a hole' }]);
    await store.withdraw(newer.digest, { at: 30, reason: 'a hole' });
    expect((await store.statuses([id(0x134)]))[0].completions.every((each) => each.withdrawn !== null)).toBe(true);
  });
});

describe('runs that end at an adapter', () => {
  test('are told complete ones first, however many others there are', async () => {
    const adapter = id(0x140);
    const before: string[] = [];
    for (let i = 0; i < 6; i++) before.push((await middle(200 + i, adapter, { receivedAt: 100 + i })).runId);
    const withdrawn = await complete(210, adapter, { verifier: verifierOf('140'), receivedAt: 50 });
    await store.withdraw(withdrawn.verifier.digest, { at: 60, reason: 'a hole' });
    const owner = await complete(211, adapter, { receivedAt: 500 });
    const all = [owner.runId, withdrawn.runId, ...before];
    expect(await store.runsEndingAt(adapter, 4)).toEqual({ runIds: all.slice(0, 4), more: 4 });
    expect(await store.runsEndingAt(adapter, 8)).toEqual({ runIds: all, more: 0 });
  });
});
