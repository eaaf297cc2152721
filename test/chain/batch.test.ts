/** Several runs in one transaction, and what a reader of the batch's file finds. */
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readBatch } from '../../prover/chain/batch-file.ts';
import { recordOf } from '../../prover/chain/records.ts';
import { openRegistry, type Registry } from '../../prover/chain/registry.ts';
import { anchored } from '../../prover/check/anchored.ts';
import { attestedInBatch } from '../../prover/check/attested.ts';
import { commandsAt } from './cli.ts';
import { accountNamed, attester, keyNamed, localRegistry, type AttestedRun, type LocalRegistry } from './fixtures.ts';

let local: LocalRegistry;
let found: Registry;
let at: ReturnType<typeof commandsAt>;
let batches = 0;
const owner = keyNamed('batching owner');

beforeAll(async () => {
  local = await localRegistry();
  at = commandsAt(local);
  found = await openRegistry(local);
  await local.fund(accountNamed('batching owner').address);
});

afterAll(() => local.stop());

const argsOf = (runs: readonly AttestedRun[], file: string) => [
  'anchor',
  ...runs.map(({ folder }) => folder),
  ...runs.flatMap((run) => ['--attestation', run.file]),
  ...['--batch', file],
];

async function runsFor(count: number) {
  const runs: AttestedRun[] = [];
  while (runs.length < count) runs.push(await local.run('batching owner'));
  const file = join(local.folder, `batch-${(batches += 1)}`, 'batch.json');
  return { runs, file, args: argsOf(runs, file) };
}

describe('a batch', () => {
  test('is written before it is sent, and holds a proof of each record', async () => {
    const { runs, file, args } = await runsFor(3);
    const receipt = await at.json(owner, ...args);
    const batch = await readBatch(file);
    expect(receipt).toMatchObject({ action: 'anchorBatch', id: batch.root, resumed: false });
    expect(batch.entries.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
    for (const { index, signed, proof } of batch.entries) {
      const record = recordOf(signed.attestation);
      expect(await found.contract.read.verifyInclusion([batch.root, BigInt(index), record, [...proof]])).toBe(true);
    }
    const again = await at.run(owner, ...args);
    expect(again.stderr).toContain('BatchAlreadyAnchored');
    expect(again.code).toBe(1);
  });

  test('whose sender dies is gone on with from the file alone', async () => {
    const { file, args } = await runsFor(2);
    await local.node.setAutomine(false);
    const first = at.begin(owner, ...args);
    await first.says(/sent 0x/);
    first.child.kill('SIGKILL');
    await first.ended;
    await local.node.mine({ blocks: 1 });
    await local.node.setAutomine(true);
    const receipt = await at.json(null, 'anchor', '--batch', file);
    expect(receipt).toMatchObject({ resumed: true, id: (await readBatch(file)).root });
  });

  test('is not made of runs of several owners, of one twice, or of what is revoked', async () => {
    const { runs, file } = await runsFor(2);
    const theirs = await local.run('other owner');
    const cases = [
      [[runs[0], theirs], 'Anchor the runs of each owner in a batch of their own'],
      [[runs[0], runs[0]], 'is in the batch twice'],
      [[], 'no runs are named'],
    ] as const;
    for (const [chosen, words] of cases) expect((await at.run(owner, ...argsOf(chosen, file))).stderr).toContain(words);
    await at.json(owner, 'revoke', runs[1].folder, '--attestation', runs[1].file, '--unanchored');
    expect((await at.run(owner, ...argsOf(runs, file))).stderr).toContain(
      'is revoked: in a batch it would count for nothing',
    );
    await expect(access(file)).rejects.toThrow('ENOENT');
  });

  test('never takes the place of another batch’s file', async () => {
    const [one, two] = [await runsFor(2), await runsFor(2)];
    await at.json(owner, ...one.args);
    const before = await readFile(one.file, 'utf8');
    const { stderr } = await at.run(owner, ...argsOf(two.runs, one.file));
    expect(stderr).toContain('holds a batch of other runs');
    expect((await at.run(owner, ...argsOf([one.runs[1], one.runs[0]], one.file))).stderr).toContain('in another order');
    expect(await readFile(one.file, 'utf8')).toBe(before);
  });

  test('of an unsigned transaction is for whoever signs it', async () => {
    const { file, args } = await runsFor(2);
    const unsigned = join(local.folder, 'batch-transaction.json');
    const { stdout } = await at.run(null, ...args, '--unsigned', unsigned);
    expect(stdout).toContain(`batch root       ${(await readBatch(file)).root}`);
    expect(stdout).toContain('nothing is sent');
  });
});

describe('a reader of a batch', () => {
  const ask = async (run: AttestedRun, file: string, by: Hex | null = null) => {
    const batch = await readBatch(file);
    // What an adapter's own claim says: neither digest nor verifier.
    const { runId, adapterRoot, baseRoot, dataRoot, owner, steps } = run.signed.attestation;
    const claimed = { runId, adapterRoot, baseRoot, dataRoot, owner, steps };
    return anchored({ ...local, batch }, claimed, by);
  };

  test('finds a record, its place and its date; and its end', async () => {
    const { runs, file, args } = await runsFor(3);
    const { hash } = await at.json(owner, ...args);
    const answer = await ask(runs[2], file);
    expect(answer).toMatchObject({ answer: 'yes', why: null });
    const { root } = await readBatch(file);
    const facts = { batch: root, 'place in batch': '2 of 3', record: runs[2].id, attester: attester.address };
    expect(answer.evidence).toMatchObject({ ...facts, transaction: hash });
    expect((await ask(runs[2], file, attester.address)).answer).toBe('yes');
    expect((await ask(runs[2], file, found.registry)).why).toContain('on the word of another');
    expect(attestedInBatch(await readBatch(file), recordOf(runs[2].signed.attestation), null).answer).toBe('yes');

    await at.json(owner, 'revoke', runs[1].folder, '--batch', file);
    const revoked = await ask(runs[1], file);
    expect(revoked).toMatchObject({ answer: 'no', why: 'its owner revoked it' });
    expect(revoked.evidence).toHaveProperty('revoked');
    const newer = await local.run('batching owner');
    await at.json(owner, 'anchor', newer.folder, '--attestation', newer.file);
    await at.json(owner, 'supersede', runs[0].folder, newer.folder, '--batch', file);
    const superseded = await ask(runs[0], file);
    expect(superseded).toMatchObject({ answer: 'no', why: `its owner superseded it by ${newer.id}` });
    expect(superseded.evidence).toMatchObject({ 'superseded by': newer.id, record: runs[0].id });
    expect((await ask(runs[2], file)).answer).toBe('yes');
  });

  test('is not taken in by a batch that nobody anchored, nor by a record that is not in it', async () => {
    const [one, two] = [await runsFor(2), await runsFor(2)];
    const missing = await at.run(owner, ...one.args, '--unsigned', join(local.folder, 'never.json'));
    expect(missing.code).toBe(0);
    expect((await ask(one.runs[0], one.file)).why).toContain('has no batch');
    await at.json(owner, ...two.args);
    expect((await ask(one.runs[0], two.file)).why).toContain('the batch has no record of this adapter and run');

    const text = await readFile(two.file, 'utf8');
    const entries = (await readBatch(two.file)).entries;
    const forgeries = [
      [text.replace('"index": 1', '"index": 0'), 'is not under the root'],
      [text.replace(entries[0].proof[0], entries[1].proof[0]), 'is not under the root'],
      [text.replace(entries[0].id, one.runs[0].id), 'has another id than it says'],
      [
        text.replace(one.runs[0].spec.owner, attester.address).replaceAll('"count": 2', '"count": 3'),
        'is not under the root',
      ],
      [
        text.replaceAll(entries[0].signed.attestation.adapterRoot, entries[1].id),
        'the signature is not the attester’s',
      ],
      [text.slice(1), 'it is no batch'],
    ] as const;
    for (const [forged, words] of forgeries) {
      const file = join(local.folder, 'forged.json');
      await writeFile(file, forged);
      await expect(readBatch(file)).rejects.toThrow(words);
    }
  });
});
