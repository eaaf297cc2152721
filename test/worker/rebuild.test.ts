import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { KeyStore } from '../../worker/store/keys.ts';
import { rebuildIndex, type Mode } from '../../worker/store/rebuild.ts';
import { Store } from '../../worker/store/store.ts';
import { WebhookStore } from '../../worker/store/webhooks.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { emptyIndex, emptyStore, rebuildAll, rowsOf, TABLES, wholeIndex } from './index-rows.ts';
import { sample, sampleSegment, verifierOf } from './records.ts';
import { stopEverywhere } from './stopping.ts';

const store = new Store(env);
const now = Math.floor(Date.now() / 1000);
const old = now - 1_000_000;

/** Something of everything, in each of its states. */
async function fill(): Promise<void> {
  const withdrawn = verifierOf('0.1');
  const records: { run: typeof SAMPLE_RUN; receivedAt: number; verifier?: typeof withdrawn; last: string }[] = [
    { run: { ...SAMPLE_RUN, nonce: root(1) }, receivedAt: old, last: root(0xa1) },
    { run: { ...SAMPLE_RUN, nonce: root(1) }, receivedAt: old, last: root(0xa1), verifier: withdrawn },
    { run: { ...SAMPLE_RUN, nonce: root(2) }, receivedAt: now - 100, last: root(0xa2) },
  ];
  for (const { last, ...options } of records)
    for (const segment of [sampleSegment(0, 4), { ...sampleSegment(4, 4), adapterOut: last }]) {
      const { bytes, record } = sample({ ...options, segment });
      await store.accept(bytes, record);
    }
  const part = sample({ run: { ...SAMPLE_RUN, nonce: root(3) }, segment: sampleSegment(2, 2) });
  const { runId } = await store.accept(part.bytes, part.record);
  for (const n of [1, 2])
    await store.showFile({ file: root(n), tensors: root(7), adapterRoot: root(0x14), runId, shownAt: old });
  await store.withdraw(withdrawn.digest, { at: old, reason: 'a "hole"' });
  for (const at of [10, 20])
    await store.announceAttester({ address: `0x${'Ab'.repeat(20)}`, validFrom: at, validUntil: null }, at);
  const keys = new KeyStore(env);
  const webhooks = new WebhookStore(env);
  const [kept, gone] = [(await keys.create('kept', old)).key.id, (await keys.create('gone', old)).key.id];
  await webhooks.create(kept, 'https://a.test/', ['run.complete'], old);
  const removed = await webhooks.create(kept, 'https://b.test/', ['run.complete', 'verifier.withdrawn'], old);
  await webhooks.create(gone, 'https://c.test/', ['run.complete'], old);
  await webhooks.remove(removed.id, now);
  await keys.revoke(gone, now);
}

async function fillAgain(): Promise<void> {
  await emptyStore();
  await fill();
}

/** Objects with their ETags. */
const objects = async (): Promise<string[]> =>
  (await env.PROOFS.list()).objects.map((object) => `${object.key} ${object.etag}`);

describe('an empty index', () => {
  beforeEach(fillAgain);

  test('is rebuilt as it was, table by table', async () => {
    const before = await wholeIndex();
    for (const table of TABLES) expect(before[table].length, table).toBeGreaterThan(0);
    const facts = await objects();
    await emptyIndex();
    const { differences, written, looked } = await rebuildAll('mend');
    expect(await wholeIndex()).toEqual(before);
    expect(differences.length).toBeGreaterThan(0);
    expect(written).toBeGreaterThanOrEqual(Object.values(before).flat().length);
    expect(looked).toBeGreaterThan(0);
    expect(await objects()).toEqual(facts);
    expect(await rebuildAll('check')).toMatchObject({ differences: [], written: 0 });
  });

  test('is rebuilt without what a chain said, and without how far its log was read: neither is a fact', async () => {
    const cursor = { chain_id: 1, registry: `0x${'Ab'.repeat(20)}`, next_block: 7, span: 640 };
    const insert = env.INDEX.prepare('INSERT INTO chain_cursors VALUES (?1, ?2, ?3, ?4)').bind(
      ...Object.values(cursor),
    );
    await insert.run();
    expect(await rebuildAll('check')).toMatchObject({ differences: [] });
    await rebuildAll('mend');
    expect(await rowsOf('chain_cursors')).toEqual([cursor]);
    await emptyIndex();
    await rebuildAll('mend');
    expect(await rowsOf('chain_cursors')).toEqual([]);
    expect((await rowsOf('anchors')).map((row) => row.anchor)).toEqual(['null', 'null', 'null']);
  });

  test('announces no old events, and new ones under their former ids', async () => {
    const before = await rowsOf('events', "WHERE type = 'run.complete'");
    expect(before.map((row) => row.sent_at !== null).sort()).toEqual([false, true, true]);
    await emptyIndex();
    await rebuildAll('mend');
    expect(await rowsOf('events', "WHERE type = 'run.complete'")).toEqual(before);
    expect(await rowsOf('anchors')).toHaveLength(3);
  });

  test('is rebuilt from where it stopped, wherever that was', async () => {
    const whole = await wholeIndex();
    let cursor: string | null = null;
    await stopEverywhere(
      async (bindings) => {
        await emptyIndex();
        cursor = null;
        do cursor = (await rebuildIndex(bindings, 'mend', cursor)).cursor;
        while (cursor !== null);
      },
      async (n) => {
        // Each page is begun again; stops within a page are alike, so a part of them will do.
        if (n % 3 !== 0) return;
        do cursor = (await rebuildIndex(env, 'mend', cursor)).cursor;
        while (cursor !== null);
        expect(await wholeIndex()).toEqual(whole);
      },
    );
  });
});

/** What somebody may do to an index, by the table that it is done to. */
const DAMAGE: [string, string][] = [
  ['runs', "UPDATE runs SET owner = '0x00' WHERE run_id = (SELECT MIN(run_id) FROM runs)"],
  ['runs', 'DELETE FROM runs WHERE run_id = (SELECT MAX(run_id) FROM runs)'],
  [
    'runs',
    `INSERT INTO runs (run_id, owner, base_root, data_root, steps, run) VALUES ('${root(0xee)}', '', '', '', 1, '{}')`,
  ],
  ['proofs', `UPDATE proofs SET adapter_out = '${root(0xbb)}' WHERE first = 2`],
  ['proofs', 'DELETE FROM proofs WHERE first = 4'],
  [
    'proofs',
    `INSERT INTO proofs SELECT '${root(0xcc)}', verifier, statement_hash, run_id, first, steps, adapter_in, moments_in,
      adapter_out, moments_out, counts, losses, received_at FROM proofs WHERE first = 2`,
  ],
  ['completions', 'DELETE FROM completions'],
  ['completions', `UPDATE completions SET record = '0x${root(1)}'`],
  ['completions', 'UPDATE completions SET completed_at = completed_at + 1'],
  [
    'completions',
    `INSERT INTO completions SELECT '${root(0xff)}', verifier, '${root(5)}', run_digest, record, 1 FROM completions LIMIT 1`,
  ],
  [
    'completions',
    `INSERT INTO completions SELECT run_id, verifier, '${root(5)}', run_digest, record, 1 FROM completions LIMIT 1`,
  ],
  ['files', `UPDATE files SET tensors = '${root(9)}' WHERE file = '${root(2)}'`],
  ['files', `DELETE FROM files WHERE file = '${root(1)}'`],
  [
    'files',
    `INSERT INTO files SELECT '${root(0)}', file, tensors, run_id, shown_at FROM files WHERE file = '${root(1)}'`,
  ],
  ['verifiers', "UPDATE verifiers SET version = '99'"],
  ['verifiers', 'UPDATE verifiers SET withdrawn_at = NULL, withdrawn_reason = NULL'],
  ['verifiers', "UPDATE verifiers SET withdrawn_at = 1, withdrawn_reason = 'a lie'"],
  ['verifiers', `INSERT INTO verifiers (digest, id, version, code_hash) VALUES ('${root(0xdd)}', 'x', 'x', 'x')`],
  ['verifiers', 'DELETE FROM verifiers'],
  ['attesters', 'UPDATE attesters SET valid_until = 5 WHERE announced_at = 20'],
  ['attesters', 'DELETE FROM attesters WHERE announced_at = 20'],
  ['attesters', "INSERT INTO attesters VALUES ('0xabc', 30, 1, NULL)"],
  ['keys', 'UPDATE keys SET revoked_at = NULL'],
  ['keys', 'UPDATE keys SET revoked_at = 1'],
  ['keys', "INSERT INTO keys (id, name, hash, created_at) VALUES ('intruder', 'x', 'x', 1)"],
  ['webhooks', "UPDATE webhooks SET url = 'https://elsewhere.test/'"],
  ['webhooks', 'UPDATE webhooks SET removed_at = NULL'],
  ['webhooks', 'DELETE FROM webhooks'],
];

describe('a damaged index', () => {
  // Each test mends what it damages.
  beforeAll(fillAgain);

  test.each(DAMAGE)('%s: %s', async (table, sql) => {
    const before = await wholeIndex();
    await env.INDEX.prepare(sql).run();
    const damaged = await wholeIndex();
    expect(damaged[table]).not.toEqual(before[table]);

    const check = await rebuildAll('check');
    expect(check.differences.length).toBeGreaterThan(0);
    expect(check.written).toBe(0);
    expect(await wholeIndex()).toEqual(damaged);

    const mend = await rebuildAll('mend');
    expect(mend.written).toBeGreaterThan(0);
    expect(await wholeIndex()).toEqual(before);
  });
});

describe('a damaged bucket', () => {
  beforeEach(fillAgain);

  test('a lost proof is told, and cannot be mended', async () => {
    const [proof] = (await env.PROOFS.list({ prefix: 'proofs/' })).objects;
    await env.PROOFS.delete(proof.key);
    for (const mode of ['mend', 'check'] satisfies Mode[])
      expect((await rebuildAll(mode)).differences).toMatchObject([
        { key: proof.key, what: expect.stringContaining('missing') as string },
      ]);
  });

  test('a lost manifest is made again from a record', async () => {
    const before = await wholeIndex();
    const facts = await objects();
    const [run] = (await env.PROOFS.list({ prefix: 'runs/' })).objects;
    await env.PROOFS.delete(run.key);
    expect((await rebuildAll('check')).differences).toContainEqual({
      key: run.key,
      what: 'the manifest of a proven run is missing',
    });
    expect(await env.PROOFS.head(run.key)).toBeNull();
    await rebuildAll('mend');
    expect(await objects()).toEqual(facts);
    expect(await wholeIndex()).toEqual(before);
  });

  test('objects that do not belong there are told, and stand in nobody’s way', async () => {
    const before = await wholeIndex();
    const strange = [
      'records/.DS_Store',
      'records/zzz',
      'keys/a.json.json',
      'keys/~',
      'runs/',
      'files/é',
      'verifiers/x',
    ];
    for (const name of strange) await env.PROOFS.put(name, 'x');
    const { differences } = await rebuildAll('mend');
    expect(differences.map(({ key }) => key).sort()).toEqual([...strange].sort());
    expect(await wholeIndex()).toEqual(before);
  });

  test('facts of another name are not taken', async () => {
    const before = await wholeIndex();
    const [record] = (await env.PROOFS.list({ prefix: 'records/' })).objects;
    const [key] = (await env.PROOFS.list({ prefix: 'keys/' })).objects;
    const copies = [
      [record.key, record.key.replace(/^records\/../, 'records/00')],
      [key.key, 'keys/0000.json'],
    ];
    for (const [from, to] of copies) await env.PROOFS.put(to, await (await env.PROOFS.get(from))!.text());
    const { differences } = await rebuildAll('mend');
    expect(differences.map((each) => each.key).sort()).toEqual(copies.map(([, to]) => to).sort());
    expect(await wholeIndex()).toEqual(before);
  });
});

describe('pages', () => {
  beforeEach(fillAgain);

  test('are bounded, and together everything', async () => {
    const run = { ...SAMPLE_RUN, nonce: root(9), steps: 400 };
    for (let i = 0; i < 380; i++) {
      const { record } = sample({ run, segment: sampleSegment(i % 200, 1), content: `proof ${i}` });
      const { proofDigest, verifier, runId } = record;
      await env.PROOFS.put(`proofs/${proofDigest}`, 'x');
      await env.PROOFS.put(`records/${proofDigest}/${verifier.digest}.json`, JSON.stringify(record));
      if (i === 0) await env.PROOFS.put(`runs/${runId}.json`, JSON.stringify({ runId, run }));
    }
    await emptyIndex();
    let calls = 0;
    const counted = <T extends object>(binding: T): T =>
      new Proxy(binding, {
        get(target, name) {
          const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => {
            if (name !== 'prepare') calls++;
            return method.apply(target, args);
          };
        },
      });
    const bindings = { PROOFS: counted(env.PROOFS), INDEX: counted(env.INDEX) };
    let cursor: string | null = null;
    let records = 0;
    let pages = 0;
    do {
      calls = 0;
      const page = await rebuildIndex(bindings, 'mend', cursor);
      expect(calls).toBeLessThan(700);
      if (cursor === null || cursor.includes('records/')) records += page.looked;
      cursor = page.cursor;
      pages++;
    } while (cursor !== null);
    expect(records).toBe(380 + 7);
    expect(pages).toBeGreaterThan(9);
    expect(await rowsOf('proofs')).toHaveLength(387);
    // Rows without objects, more than a page of them.
    await env.PROOFS.delete((await env.PROOFS.list({ prefix: 'records/' })).objects.map((object) => object.key));
    await rebuildAll('mend');
    expect(await rowsOf('proofs')).toEqual([]);
    expect(await rowsOf('completions')).toEqual([]);
  });
});

test.each(['x', '[]', '["records/"]', '["secrets/","",""]', '[1,2,3]', '{}', 'null', '["records/","",""]x'])(
  'the cursor %s is refused',
  async (cursor) => {
    await expect(rebuildIndex(env, 'check', cursor)).rejects.toMatchObject({
      status: 400,
      details: { code: 'CURSOR', check: 'cursor' },
    });
  },
);
