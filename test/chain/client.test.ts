/** The typed client: what a reader in TypeScript learns of records, attesters and chains. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Abi, Address, Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { signedToJson } from '../../protocol/attestation-json.ts';
import { ATTESTER_SET_ABI } from '../../prover/chain/attester-set-abi.ts';
import { isAttestedBySet, openAttesterSet, readSet, verifierWithdrawnAt } from '../../prover/chain/attester-set.ts';
import { atNode } from '../../prover/chain/connection.ts';
import { NoAttesterSetError, NodeRefusedError, RequestError, UnknownChainError } from '../../prover/chain/errors.ts';
import { explorerLink, PUBLIC_CHAINS, publicChain } from '../../prover/chain/networks.ts';
import { recordOf } from '../../prover/chain/records.ts';
import {
  anchorEvents,
  endEvent,
  isAttested,
  openRegistry,
  readAnchor,
  type Registry,
} from '../../prover/chain/registry.ts';
import { anchored } from '../../prover/check/anchored.ts';
import { commandsAt } from './cli.ts';
import {
  accountNamed,
  attestRun,
  attester,
  keyNamed,
  localRegistry,
  type AttestedRun,
  type LocalRegistry,
} from './fixtures.ts';
import { interfaceText } from './interface-text.ts';

/** Without its types: the test calls what it names. */
const SET_ABI: Abi = ATTESTER_SET_ABI;

let local: LocalRegistry;
let found: Registry;
let at: ReturnType<typeof commandsAt>;
const owner = keyNamed('reader owner');

const artifact = async (name: string) => {
  const path = new URL(`../../artifacts/contracts/${name}.sol/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(path, 'utf8')) as { abi: Abi; bytecode: Hex };
};

beforeAll(async () => {
  local = await localRegistry();
  at = commandsAt(local);
  found = await openRegistry(local);
  await local.fund(accountNamed('reader owner').address);
});

afterAll(() => local.stop());

async function anchoredRun(): Promise<AttestedRun> {
  const run = await local.run('reader owner');
  await at.json(owner, 'anchor', run.folder, '--attestation', run.file);
  return run;
}

describe('a record', () => {
  const stateOf = (run: AttestedRun) => readAnchor({ ...local, record: run.signed.attestation });

  test('is unknown, anchored, superseded by another, revoked: each with its dates and links', async () => {
    const [one, two] = [await anchoredRun(), await anchoredRun()];
    const never = await local.run('reader owner');
    expect(await stateOf(never)).toMatchObject({ status: 'unknown', anchor: undefined });
    const before = await stateOf(one);
    expect(before).toMatchObject({ status: 'anchored', anchor: { attester: attester.address } });
    await at.json(owner, 'supersede', one.folder, two.folder);
    const { timestamp } = await local.node.getBlock();
    const was = before.anchor;
    const end = { was, endedAt: timestamp, successor: two.id, anchor: undefined };
    expect(await stateOf(one)).toMatchObject({ status: 'superseded', ...end });
    expect(await stateOf(two)).toMatchObject({ status: 'anchored', parent: one.id });
    // The first end's date stays.
    await local.node.increaseTime({ seconds: 100 });
    const { hash } = await at.json(owner, 'revoke', one.folder);
    expect(await stateOf(one)).toMatchObject({ status: 'revoked', ...end });
    expect(await endEvent(found, one.id)).toMatchObject({ hash });
    expect(await endEvent(found, two.id)).toBeUndefined();
  });

  test('is found in the log by id, root or owner', async () => {
    const run = await anchoredRun();
    const { adapterRoot } = run.signed.attestation;
    for (const query of [{ id: run.id }, { adapterRoot }]) {
      expect(await anchorEvents(found, query)).toMatchObject([{ id: run.id, run: run.signed.attestation }]);
    }
    const owners = await anchorEvents(found, { owner: accountNamed('reader owner').address });
    expect(owners.map(({ id }) => id)).toContain(run.id);
    const head = await local.node.getBlockNumber({ cacheTime: 0 });
    expect(await anchorEvents(found, { id: run.id, fromBlock: head + 1n })).toEqual([]);
  });

  test('is attested by as many as a reader asks for, in any order, each counted once', async () => {
    const run = await anchoredRun();
    const others = ['b', 'c'].map((name) => accountNamed(`attester ${name}`).address);
    const all = [...others, attester.address];
    expect(await isAttested(found, run.id, all, 1)).toBe(true);
    expect(await isAttested(found, run.id, [...all].reverse(), 1)).toBe(true);
    expect(await isAttested(found, run.id, [attester.address, attester.address.toLowerCase() as Address], 2)).toBe(
      false,
    );
    expect(await isAttested(found, run.id, others, 1)).toBe(false);
    await expect(isAttested(found, run.id, all, 0)).rejects.toThrow(RequestError);
  });
});

describe('check, asked of a registry', () => {
  const ask = (run: AttestedRun, by: Hex | null = null, whole = true) => {
    const { runId, adapterRoot, baseRoot, dataRoot, owner: of, steps } = run.signed.attestation;
    const claimed = { runId, adapterRoot, baseRoot, dataRoot, owner: of, steps };
    return anchored(local, whole ? recordOf(run.signed.attestation) : claimed, by);
  };

  test.each([true, false])(
    'tells anchored, superseded and revoked apart, with evidence (record known: %s)',
    async (whole) => {
      const [one, two] = [await anchoredRun(), await anchoredRun()];
      const never = await local.run('reader owner');
      expect((await ask(never, null, whole)).why).toContain('has no anchor of this adapter root');
      const yes = await ask(one, attester.address, whole);
      expect(yes).toMatchObject({
        answer: 'yes',
        evidence: { record: one.id, attester: attester.address, chain: 31337 },
      });
      expect(yes.evidence).toHaveProperty('transaction');
      const { hash } = await at.json(owner, 'supersede', one.folder, two.folder);
      const superseded = await ask(one, null, whole);
      expect(superseded).toMatchObject({ answer: 'no', why: `its owner superseded it by ${two.id}` });
      expect(superseded.evidence).toMatchObject({ 'superseded by': two.id, transaction: hash });
      expect((await ask(two, null, whole)).evidence).toMatchObject({ supersedes: one.id });
      const revoked = await at.json(owner, 'revoke', two.folder);
      expect(await ask(two, null, whole)).toMatchObject({
        answer: 'no',
        why: 'its owner revoked it',
        evidence: { transaction: revoked['hash'], attester: attester.address },
      });
    },
  );

  test('counts a further attestation, and not that of somebody else', async () => {
    const run = await anchoredRun();
    const second = accountNamed('second');
    expect((await ask(run, second.address)).why).toContain(`on the word of another than ${second.address}`);
    const file = join(run.folder, 'second.json');
    await writeFile(file, JSON.stringify(signedToJson(await attestRun(run.spec, {}, second))));
    await at.json(owner, 'anchor', run.folder, '--attest', '--attestation', file);
    const answer = await ask(run, second.address);
    expect(answer).toMatchObject({ answer: 'yes', evidence: { attester: second.address } });
    expect(answer.evidence).toHaveProperty('recorded');
  });

  test('says in what the record of a run differs, and is not taken in by another’s anchor of the same root', async () => {
    const run = await anchoredRun();
    const { attestation } = run.signed;
    const other = { ...recordOf(attestation), runDigest: attestation.dataRoot };
    expect((await anchored(local, other, null)).why).toContain('runDigest differs');
    const newer = { ...recordOf(attestation), verifier: attestation.dataRoot };
    const answer = await anchored(local, newer, null);
    expect(answer).toMatchObject({ answer: 'yes', evidence: { record: run.id } });
    expect(answer.evidence['verifier']).toMatch(/^0x[0-9a-f]{64} \(another version than runs here\)$/);
    const thief = await local.run('thief', { adapterRoot: attestation.runDigest });
    await local.fund(accountNamed('thief').address);
    await at.json(keyNamed('thief'), 'anchor', thief.folder, '--attestation', thief.file);
    const stolen = { ...recordOf(attestation), adapterRoot: attestation.runDigest };
    expect((await anchored(local, stolen, null)).why).toContain('for another run or owner alone');
  });
});

describe('an attester set', () => {
  async function freshSet(): Promise<Address> {
    const { abi, bytecode } = await artifact('AttesterSet');
    const account = accountNamed('reader owner');
    const hash = await local.node.deployContract({ abi, bytecode, args: [account.address], account, chain: null });
    const { contractAddress } = await local.node.getTransactionReceipt({ hash });
    return contractAddress!;
  }

  test('is read with its members, their windows and what was withdrawn', async () => {
    const set = await openAttesterSet({ ...local, set: await freshSet() });
    const account = accountNamed('reader owner');
    const write = (functionName: 'add' | 'withdraw' | 'withdrawVerifier' | 'freeze', ...args: unknown[]) =>
      local.node.writeContract({
        address: set.set,
        abi: SET_ABI,
        functionName,
        args,
        account,
        chain: null,
      });
    const run = await anchoredRun();
    const record = recordOf(run.signed.attestation);
    expect(await isAttestedBySet(set, found.registry, record, 1)).toBe(false);
    await write('add', attester.address, 1, 2 ** 40 - 1);
    expect(await isAttestedBySet(set, found.registry, record, 1)).toBe(true);
    expect(await verifierWithdrawnAt(set, record.verifier)).toBeUndefined();
    await write('withdrawVerifier', record.verifier);
    const { timestamp } = await local.node.getBlock();
    expect(await verifierWithdrawnAt(set, record.verifier)).toBe(Number(timestamp));
    expect(await isAttestedBySet(set, found.registry, record, 1)).toBe(false);
    await write('withdraw', attester.address, 7);
    await write('freeze');
    const member = { attester: attester.address, validFrom: 1, validUntil: 2 ** 40 - 1, withdrawnSince: 7 };
    expect(await readSet(set)).toMatchObject({ curator: account.address, frozen: true, members: [member] });
    await expect(isAttestedBySet(set, found.registry, record, 0)).rejects.toThrow(RequestError);
  });

  test('has the compiler’s interface, and is not mistaken', async () => {
    const { abi } = await artifact('AttesterSet');
    expect(interfaceText(ATTESTER_SET_ABI)).toEqual(interfaceText(abi));
    await expect(openAttesterSet({ ...local, set: found.registry })).rejects.toThrow(NoAttesterSetError);
    await expect(openAttesterSet({ ...local, set: attester.address })).rejects.toThrow(NoAttesterSetError);
  });
});

describe('chains', () => {
  test('have names, numbers, nodes and explorers', async () => {
    const ids = await Promise.all(PUBLIC_CHAINS.map(async (name) => (await publicChain(name)).id));
    expect(ids).toEqual([1, 11155111, 8453, 84532, 42161, 421614, 10, 11155420]);
    expect((await publicChain('base-sepolia')).id).toBe(84532);
    for (const name of ['nowhere', 'toString', 'default', 'defineChain']) {
      await expect(publicChain(name)).rejects.toThrow(UnknownChainError);
    }
    for (const id of ids) expect(await explorerLink(id, '0xabc')).toMatch(/^https:\/\/[^ ]+[^/]\/tx\/0xabc$/);
    expect(await explorerLink(31337, '0xabc')).toBeUndefined();
  });

  test('a node that refuses is quoted', async () => {
    const ask = () => atNode(local.rpcUrl, () => local.node.request({ method: 'eth_nothing' as never }));
    const refused: unknown = await ask().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NodeRefusedError);
    expect((refused as NodeRefusedError).message).toContain('eth_nothing');
  });
});
