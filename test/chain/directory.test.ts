/** The typed client of the directory: a record by its id. */
import { readFile } from 'node:fs/promises';
import { encodeAbiParameters, keccak256, zeroHash, type Abi, type Address, type Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ADAPTER_DIRECTORY_ABI } from '../../prover/chain/adapter-directory-abi.ts';
import { openAdapterDirectory, publishedRecord } from '../../prover/chain/adapter-directory.ts';
import { ForeignRecordError, NoDirectoryError } from '../../prover/chain/errors.ts';
import { recordOf } from '../../prover/chain/records.ts';
import { commandsAt } from './cli.ts';
import { accountNamed, keyNamed, localRegistry, type AttestedRun, type LocalRegistry } from './fixtures.ts';
import { interfaceText } from './interface-text.ts';

let local: LocalRegistry;
const publisher = accountNamed('publisher');

beforeAll(async () => {
  local = await localRegistry();
  await local.fund(publisher.address);
});

afterAll(() => local.stop());

async function compiled(name: string): Promise<{ abi: Abi; bytecode: Hex }> {
  const path = new URL(`../../artifacts/contracts/${name}.sol/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(path, 'utf8')) as { abi: Abi; bytecode: Hex };
}

async function deployed(): Promise<Address> {
  const { abi, bytecode } = await compiled('AdapterDirectory');
  const args = [local.registry];
  const hash = await local.node.deployContract({ abi, bytecode, args, account: publisher, chain: null });
  return (await local.node.getTransactionReceipt({ hash })).contractAddress!;
}

async function publishedRun(directory: Address): Promise<AttestedRun> {
  const run = await local.run('publisher');
  await commandsAt(local).json(keyNamed('publisher'), 'anchor', run.folder, '--attestation', run.file);
  const call = { address: directory, abi: ADAPTER_DIRECTORY_ABI, account: publisher, chain: null } as const;
  await local.node.writeContract({ ...call, functionName: 'publish', args: [recordOf(run.signed.attestation)] });
  return run;
}

test('a record is read by its id once it is published, and after it ended', async () => {
  const directory = await openAdapterDirectory({ ...local, directory: await deployed() });
  expect(directory.registry).toBe(local.registry);
  const run = await publishedRun(directory.directory);
  const record = recordOf(run.signed.attestation);
  expect(await publishedRecord(directory, run.id)).toEqual(record);
  expect(await publishedRecord(directory, `0x${run.id.slice(2).toUpperCase()}`)).toEqual(record);
  await commandsAt(local).json(keyNamed('publisher'), 'revoke', run.folder);
  expect(await publishedRecord(directory, run.id)).toEqual(record);
  expect(await directory.contract.read.statusOf([run.id])).toBe(3);
  expect(await publishedRecord(directory, zeroHash)).toBeUndefined();
});

test('a directory that answers with another record is not believed', async () => {
  const directory = await openAdapterDirectory({ ...local, directory: await deployed() });
  const { signed, id } = await publishedRun(directory.directory);
  // Field by field, behind the contract's back: the first of the record is its run id.
  const place = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [id, 0n]));
  await local.node.setStorageAt({ address: directory.directory, index: place, value: signed.attestation.runDigest });
  await expect(publishedRecord(directory, id)).rejects.toThrow(ForeignRecordError);
});

test('has the compiler’s interface, and is not mistaken', async () => {
  const { abi } = await compiled('AdapterDirectory');
  expect(interfaceText(ADAPTER_DIRECTORY_ABI)).toEqual(interfaceText(abi));
  for (const directory of [local.registry, publisher.address]) {
    await expect(openAdapterDirectory({ ...local, directory })).rejects.toThrow(NoDirectoryError);
  }
});
