/** `check` with several attesters: who attested, by signature or on chain, and who did not. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Abi, Address, Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { signedToJson } from '../../protocol/attestation-json.ts';
import { ATTESTER_SET_ABI } from '../../prover/chain/attester-set-abi.ts';
import { readBatch } from '../../prover/chain/batch-file.ts';
import { NoAttesterSetError, RequestError } from '../../prover/chain/errors.ts';
import { isoTime, recordOf } from '../../prover/chain/records.ts';
import { anchored, countAttestations, type Registry } from '../../prover/check/anchored.ts';
import { signaturesOf } from '../../prover/check/attested.ts';
import { checkCommand } from '../../prover/check/command.ts';
import type { FoundSignature, Quorum } from '../../prover/check/quorum.ts';
import { commandsAt } from './cli.ts';
import {
  accountNamed,
  attester,
  attestRun,
  keyNamed,
  localRegistry,
  type AttestedRun,
  type LocalRegistry,
} from './fixtures.ts';

const SET_ABI: Abi = ATTESTER_SET_ABI;
const curator = accountNamed('quorum owner');
const second = accountNamed('second');
const third = accountNamed('third');
const owner = keyNamed('quorum owner');

let local: LocalRegistry;
let at: ReturnType<typeof commandsAt>;

beforeAll(async () => {
  local = await localRegistry();
  at = commandsAt(local);
  await local.fund(curator.address);
});

afterAll(() => local.stop());

async function anchoredRun(): Promise<AttestedRun> {
  const run = await local.run('quorum owner');
  await at.json(owner, 'anchor', run.folder, '--attestation', run.file);
  return run;
}

/** Brings another's attestation onto the chain. */
async function attestToo(run: AttestedRun, by = second): Promise<void> {
  const file = join(run.folder, `${by.address}.json`);
  await writeFile(file, JSON.stringify(signedToJson(await attestRun(run.spec, {}, by))));
  await at.json(owner, 'anchor', run.folder, '--attest', '--attestation', file);
}

const some = (threshold: number, ...attesters: readonly Address[]): Quorum => ({ attesters, threshold });
const all = (threshold: number) => some(threshold, attester.address, second.address, third.address);

/** Answers of the registry: whether it holds the record on their word, and who attested. */
async function ask(
  run: AttestedRun,
  quorum: Quorum,
  found: readonly FoundSignature[] = [],
  more: Partial<Registry> = {},
) {
  const record = recordOf(run.signed.attestation);
  const registry = { ...local, ...more };
  return {
    held: await anchored(registry, record, quorum, found),
    count: await countAttestations(registry, record, quorum, found),
  };
}

const serviceHas = async (run: AttestedRun, by = second): Promise<FoundSignature[]> => [
  { signed: await attestRun(run.spec, {}, by), where: 'service' },
];

describe('so many of a list', () => {
  test('are counted on chain; names tell who attested and who did not', async () => {
    const run = await anchoredRun();
    const one = await ask(run, all(2));
    expect(one.held.why).toContain('2 of 3 attesters must have attested it, and 1 did');
    const evidence = {
      threshold: '2 of 3',
      'attested by': `${attester.address} (registry)`,
      'not attested by': `${second.address}, ${third.address}`,
    };
    expect(one.held).toMatchObject({ answer: 'no', evidence: { ...evidence, record: run.id } });
    expect(one.count).toMatchObject({ reached: false, evidence });
    await attestToo(run);
    const two = await ask(run, all(2));
    expect(two.held).toMatchObject({ answer: 'yes', evidence: { 'not attested by': third.address } });
    expect(two.count.reached).toBe(true);
    expect((await ask(run, all(3))).held.answer).toBe('no');
    expect((await ask(run, some(1, third.address))).held.why).toContain('and none did');
  });

  test('are counted by signature too; a record by itself is on the word of what the chain has', async () => {
    const run = await anchoredRun();
    const { held, count } = await ask(run, all(2), await serviceHas(run));
    expect(count).toMatchObject({ reached: true });
    expect(count.evidence['attested by']).toBe(`${attester.address} (registry), ${second.address} (service)`);
    expect(held).toMatchObject({ answer: 'no', evidence: { 'attested by': `${attester.address} (registry)` } });
  });

  test('count nobody twice, and nobody who is not named', async () => {
    const run = await anchoredRun();
    await attestToo(run, third);
    const found = [...(await serviceHas(run, attester)), ...(await serviceHas(run, accountNamed('stranger')))];
    const { count } = await ask(run, some(2, attester.address, second.address), found);
    expect(count).toMatchObject({
      reached: false,
      evidence: { 'attested by': `${attester.address} (service, registry)`, 'not attested by': second.address },
    });
  });

  test('don’t outweigh the owner, who revoked it', async () => {
    const run = await anchoredRun();
    await attestToo(run);
    await at.json(owner, 'revoke', run.folder);
    const { held, count } = await ask(run, all(2), await serviceHas(run));
    expect(held).toMatchObject({ answer: 'no', why: 'its owner revoked it' });
    // The chain's word ends with the record; the signature stays.
    expect(count.evidence['attested by']).toBe(`${second.address} (service)`);
  });
});

describe('a batch', () => {
  async function batched() {
    const runs = [await local.run('quorum owner'), await local.run('quorum owner')];
    const file = join(local.folder, 'quorum-batch.json');
    const attested = runs.flatMap((run) => ['--attestation', run.file]);
    await at.json(owner, 'anchor', ...runs.map(({ folder }) => folder), ...attested, '--batch', file);
    return { runs, batch: await readBatch(file) };
  }

  test('counts the signatures of its file and of a service, and no set', async () => {
    const { runs, batch } = await batched();
    const [run] = runs;
    const filed = await signaturesOf(null, batch, run.signed.attestation);
    expect(filed).toEqual([{ signed: run.signed, where: 'batch file' }]);
    const alone = await ask(run, all(2), filed, { batch });
    expect(alone.held.why).toContain('the batch has it, but 2 of 3 attesters must have attested it, and 1 did');
    const found = [...filed, ...(await serviceHas(run))];
    const { held, count } = await ask(run, all(2), found, { batch });
    expect(held).toMatchObject({ answer: 'yes', evidence: { batch: batch.root, record: run.id } });
    expect(count.evidence['attested by']).toBe(`${attester.address} (batch file), ${second.address} (service)`);
    // Attested for another verifier version, which is another record.
    const newer = { signed: await attestRun(run.spec, { verifier: run.id }, second), where: 'service' } as const;
    expect((await ask(run, all(2), [...filed, newer], { batch })).held.answer).toBe('no');

    const set = await setOf([attester.address, 1, 2 ** 40 - 1]);
    const bySet = await ask(run, { set, threshold: 1 }, filed, { batch });
    for (const why of [bySet.held.why, bySet.count.why]) expect(why).toContain('count no record of a batch');
    expect([bySet.held.answer, bySet.count.reached]).toEqual(['no', false]);
  });
});

type Entry = readonly [member: Address, validFrom: number, validUntil: number];

const write = (set: Address, functionName: string, ...args: unknown[]) =>
  local.node.writeContract({ address: set, abi: SET_ABI, functionName, args, account: curator, chain: null });

async function setOf(...entries: readonly Entry[]): Promise<Address> {
  const path = new URL('../../artifacts/contracts/AttesterSet.sol/AttesterSet.json', import.meta.url);
  const { abi, bytecode } = JSON.parse(await readFile(path, 'utf8')) as { abi: Abi; bytecode: Hex };
  const hash = await local.node.deployContract({
    abi,
    bytecode,
    args: [curator.address],
    account: curator,
    chain: null,
  });
  const { contractAddress } = await local.node.getTransactionReceipt({ hash });
  for (const entry of entries) await write(contractAddress!, 'add', ...entry);
  return contractAddress!;
}

const LAST = 2 ** 40 - 1;

describe('so many of a set', () => {
  test('are what the set counts, with names and why others don’t count', async () => {
    const run = await anchoredRun();
    await attestToo(run);
    const late = Number(run.signed.attestation.issuedAt) + 1;
    const set = await setOf([attester.address, 1, LAST], [second.address, late, LAST], [third.address, 1, LAST]);
    const two = await ask(run, { set, threshold: 2 }, await serviceHas(run, third));
    const evidence = {
      'attester set': set,
      threshold: '2 of 3',
      'attested by': attester.address,
      'not counted': `${second.address} (issued before its key was valid, ${isoTime(late)})`,
      'not attested by': third.address,
    };
    expect(two.held).toMatchObject({ answer: 'no', evidence });
    expect(two.held.why).toContain('by the set, 2 of 3 attesters must have attested it, and 1 did');
    expect(two.count).toMatchObject({ reached: false, evidence });
    const one = await ask(run, { set, threshold: 1 });
    expect([one.held.answer, one.count.reached]).toEqual(['yes', true]);

    await write(set, 'withdraw', attester.address, 7);
    const withdrawn = await ask(run, { set, threshold: 1 });
    expect(withdrawn.held.evidence['not counted']).toContain(`${attester.address} (withdrawn since 1970`);
    expect(withdrawn.held.answer).toBe('no');
  });

  test('count nothing of a verifier version that the set has withdrawn, of a key that ended, of what is not anchored', async () => {
    const run = await anchoredRun();
    const ended = await setOf([attester.address, 1, 2]);
    expect((await ask(run, { set: ended, threshold: 1 })).held.evidence['not counted']).toContain(
      'after its key ended',
    );
    const set = await setOf([attester.address, 1, LAST]);
    await write(set, 'withdrawVerifier', run.signed.attestation.verifier);
    const { held } = await ask(run, { set, threshold: 1 });
    expect(held.why).toContain('the set has withdrawn the verifier version');
    expect(held.evidence).toHaveProperty(['verifier withdrawn']);
    const never = await local.run('quorum owner');
    const { count } = await ask(never, { set, threshold: 1 }, await serviceHas(never, attester));
    expect(count.reached).toBe(false);
    expect(count.why).toContain('no record of this run is anchored');
  });

  test('are not more than its members, and a set is none at another address', async () => {
    const run = await anchoredRun();
    const set = await setOf([attester.address, 1, LAST]);
    await expect(ask(run, { set, threshold: 2 })).rejects.toThrow(RequestError);
    await expect(ask(run, { set: local.registry, threshold: 1 })).rejects.toThrow(NoAttesterSetError);
  });
});

describe('the command refuses', () => {
  const one = attester.address;
  const chain = { rpc: 'http://127.0.0.1:1', registry: one };
  test.each([
    ['several attesters without a number', { attester: [one, second.address] }, 'is not said'],
    ['a number of nobody', { threshold: 1 }, 'none is named'],
    ['more than are named', { attester: [one, second.address], threshold: 3 }, '3 attesters must have attested, but 2'],
    ['one named twice', { attester: [one, one.toLowerCase()], threshold: 2 }, '2 attesters must have attested, but 1'],
    ['a list and a set', { attester: [one], attesterSet: one, threshold: 1, ...chain }, 'contradict each other'],
    ['a set without a number', { attesterSet: one, ...chain }, 'is not said'],
    ['a set without a chain', { attesterSet: one, threshold: 1 }, 'asked on its chain'],
    ['what is no address', { attester: ['0x12'], threshold: 1 }, 'no Ethereum address'],
  ] as const)('%s', async (_, request, words) => {
    await expect(checkCommand('nowhere', { ...request, backend: 'cpu', json: true })).rejects.toThrow(words);
  });
});
