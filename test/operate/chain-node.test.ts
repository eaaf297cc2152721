import {
  createTestClient,
  createWalletClient,
  http,
  keccak256,
  parseEther,
  publicActions,
  toHex,
  zeroHash,
  type Hex,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { hardhat } from 'viem/chains';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  adapterRecordId,
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  type RunAttestation,
} from '../../protocol/attestation.ts';
import { REGISTRY_ABI } from '../../prover/chain/abi.ts';
import { deployRegistry } from '../../prover/chain/deploy.ts';
import { startHardhatNode, type LocalChain } from '../../prover/chain/node.ts';
import { ChainReadError, readRecords, readStatuses, type ChainSettings } from '../../worker/chain-node.ts';

const owner = privateKeyToAccount(keccak256(toHex('owner')));
const attester = privateKeyToAccount(keccak256(toHex('attester')));
let chain: LocalChain;
let settings: ChainSettings;

function recordNamed(name: string): Omit<RunAttestation, 'issuedAt'> {
  const field = (part: string): Hex => keccak256(toHex(`${name}/${part}`));
  const roots = { adapterRoot: field('adapter'), baseRoot: field('base'), dataRoot: field('data') };
  return {
    runId: field('run'),
    runDigest: field('digest'),
    ...roots,
    owner: owner.address,
    steps: 4n,
    verifier: field('v'),
  };
}

const idOf = (name: string): Hex => adapterRecordId(recordNamed(name));

beforeAll(async () => {
  chain = await startHardhatNode();
  const { rpcUrl } = chain;
  const client = createTestClient({ mode: 'hardhat', chain: hardhat, transport: http(rpcUrl) }).extend(publicActions);
  await client.setBalance({ address: owner.address, value: parseEther('1') });
  const sender = { privateKey: keccak256(toHex('owner')) };
  const { registry } = await deployRegistry({ rpcUrl, chainId: hardhat.id, sender });
  settings = { rpcUrl, chainId: hardhat.id, registry };

  const wallet = createWalletClient({ account: owner, chain: hardhat, transport: http(rpcUrl) });
  const at = { address: registry, abi: REGISTRY_ABI } as const;
  const mined = async (hash: Promise<Hex>): Promise<void> => {
    expect((await client.waitForTransactionReceipt({ hash: await hash })).status).toBe('success');
  };
  for (const name of ['anchored', 'older', 'newer', 'revoked']) {
    const message = { ...recordNamed(name), issuedAt: 1_763_800_000n };
    const signed = {
      domain: ATTESTATION_DOMAIN,
      types: ATTESTATION_TYPES,
      primaryType: 'RunAttestation',
      message,
    } as const;
    const attestation = {
      attester: attester.address,
      issuedAt: message.issuedAt,
      signature: await attester.signTypedData(signed),
    };
    await mined(wallet.writeContract({ ...at, functionName: 'anchor', args: [recordNamed(name), attestation] }));
  }
  const pair = [recordNamed('older'), recordNamed('newer')] as const;
  await mined(wallet.writeContract({ ...at, functionName: 'supersede', args: pair }));
  for (const name of ['revoked', 'revoked before it was anchored'])
    await mined(wallet.writeContract({ ...at, functionName: 'revoke', args: [recordNamed(name)] }));
});

afterAll(() => chain.stop());

test('a registry’s records are read as they are', async () => {
  const names = ['anchored', 'older', 'newer', 'revoked', 'revoked before it was anchored', 'never heard of'];
  const statuses = ['anchored', 'superseded', 'anchored', 'revoked', 'revoked', 'unknown'];
  expect(await readStatuses(settings, names.map(idOf))).toEqual(statuses);
  const [anchored, older, newer, revoked, early, unknown] = await readRecords(settings, names.map(idOf));
  const time: unknown = expect.toSatisfy((seconds: number) => Math.abs(seconds - Date.now() / 1000) < 3_600);
  const none = { endedAt: null, successor: null, parent: null };
  expect(anchored).toEqual({ status: 'anchored', attester: attester.address, anchoredAt: time, ...none });
  expect(older).toEqual({
    ...anchored,
    status: 'superseded',
    anchoredAt: time,
    endedAt: time,
    successor: idOf('newer'),
  });
  expect(newer).toEqual({ ...anchored, anchoredAt: time, parent: idOf('older') });
  expect(revoked).toEqual({ ...anchored, status: 'revoked', anchoredAt: time, endedAt: time });
  expect(early).toEqual({ status: 'revoked', attester: null, anchoredAt: null, ...none, endedAt: time });
  expect(unknown).toEqual({ status: 'unknown', attester: null, anchoredAt: null, ...none });
});

test('many records are read at once', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? idOf('anchored') : idOf(`unknown ${i}`)));
  const records = await readRecords(settings, ids);
  expect(records.map(({ status }) => status)).toEqual(ids.map((_, i) => (i % 2 === 0 ? 'anchored' : 'unknown')));
});

test('another chain, no contract, no node', async () => {
  const ids = [zeroHash];
  await expect(readRecords({ ...settings, chainId: 1 }, ids)).rejects.toThrow('the node is of chain 31337, not 1');
  await expect(readRecords({ ...settings, registry: owner.address }, ids)).rejects.toThrow('no registry');
  await expect(readStatuses({ ...settings, registry: owner.address }, ids)).rejects.toThrow('no registry');
  await expect(readRecords({ ...settings, rpcUrl: 'http://127.0.0.1:9/secret' }, ids)).rejects.toThrow(ChainReadError);
});
