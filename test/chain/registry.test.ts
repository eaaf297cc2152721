import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

import { createTestClient, http, keccak256, parseEther, toHex, zeroAddress, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  adapterRecordId,
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  checksumAddress,
  type RunAttestation,
} from '../../protocol/attestation.ts';
import { anchorAdapter } from '../../prover/chain/anchor.ts';
import { deployRegistry, type DeployedRegistry } from '../../prover/chain/deploy.ts';
import {
  ChainUnreachableError,
  HardhatError,
  LowFundsError,
  NoRegistryError,
  RegistryRefusedError,
  WrongChainError,
} from '../../prover/chain/errors.ts';
import { startHardhatNode, type LocalChain } from '../../prover/chain/node.ts';
import { findAnchors, readAnchor } from '../../prover/chain/registry.ts';

const LOCAL_CHAIN = 31337;

const keyNamed = (name: string): Hex => keccak256(toHex(name));
const owner = { privateKey: keyNamed('owner') };
const ownerAddress = privateKeyToAccount(owner.privateKey).address;
const attester = privateKeyToAccount(keyNamed('attester'));

let chain: LocalChain;
let deployed: DeployedRegistry;

function runNamed(seed: string): RunAttestation {
  const field = (name: string) => keccak256(toHex(`${seed}/${name}`));
  return {
    runId: field('runId'),
    runDigest: field('runDigest'),
    adapterRoot: field('adapterRoot'),
    baseRoot: field('baseRoot'),
    dataRoot: field('dataRoot'),
    owner: ownerAddress,
    steps: 4n,
    verifier: field('verifier'),
    issuedAt: 1_763_800_000n,
  };
}

function attest(message: RunAttestation): Promise<Hex> {
  const types = ATTESTATION_TYPES;
  return attester.signTypedData({ domain: ATTESTATION_DOMAIN, types, primaryType: 'RunAttestation', message });
}

/** The arguments that anchor a run as its owner. */
async function anchoring(record: RunAttestation) {
  const { registry } = deployed;
  const signature = await attest(record);
  return { rpcUrl: chain.rpcUrl, registry, sender: owner, record, attester: attester.address, signature };
}

async function setBalance(address: Hex, value: bigint): Promise<void> {
  await createTestClient({ mode: 'hardhat', transport: http(chain.rpcUrl) }).setBalance({ address, value });
}

beforeAll(async () => {
  chain = await startHardhatNode();
  await setBalance(ownerAddress, parseEther('1'));
  deployed = await deployRegistry({ rpcUrl: chain.rpcUrl, chainId: LOCAL_CHAIN, sender: owner });
});

afterAll(() => chain.stop());

describe('the registry on a local chain', () => {
  test('anchors, reads and finds a record', async () => {
    const run = runNamed('good');
    const { rpcUrl, registry } = await anchoring(run);
    const before = await readAnchor({ rpcUrl, registry, record: run });
    const unknown = { status: 'unknown', anchor: undefined };
    expect(before).toEqual({ id: adapterRecordId(run), chainId: LOCAL_CHAIN, registry, ...unknown });

    const receipt = await anchorAdapter(await anchoring(run));
    expect(receipt).toMatchObject({ id: adapterRecordId(run), chainId: LOCAL_CHAIN, registry });
    expect(receipt.gasUsed).toBeLessThanOrEqual(60_000n);

    const after = await readAnchor({ rpcUrl, registry, record: run });
    expect(after.status).toBe('anchored');
    expect(after.anchor).toMatchObject({ attester: attester.address, issuedAt: run.issuedAt });
    expect(after.anchor?.anchoredAt).toBeGreaterThan(run.issuedAt);

    const { id, hash, blockNumber } = receipt;
    const found = { id, run, attester: attester.address, hash, blockNumber };
    expect(await findAnchors({ rpcUrl, registry, adapterRoot: run.adapterRoot })).toEqual([found]);
    expect(await findAnchors({ rpcUrl, registry, adapterRoot: run.adapterRoot, owner: ownerAddress })).toEqual([found]);
    expect(await findAnchors({ rpcUrl, registry, adapterRoot: run.adapterRoot, owner: zeroAddress })).toEqual([]);
    expect(await findAnchors({ rpcUrl, registry, adapterRoot: run.baseRoot })).toEqual([]);
  });

  test('sends from an account of the node', async () => {
    const account = checksumAddress('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
    const run = { ...runNamed('node account'), owner: account };
    const receipt = await anchorAdapter({ ...(await anchoring(run)), sender: { account } });
    expect(receipt.id).toBe(adapterRecordId(run));
  });

  test('refuses a tampered record, and a changed weight is not anchored', async () => {
    const run = runNamed('tampered');
    const good = await anchoring(run);
    const record = { ...run, adapterRoot: keccak256(run.adapterRoot) };
    const refused = await anchorAdapter({ ...good, record }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RegistryRefusedError);
    expect(refused).toMatchObject({ errorName: 'AttesterMismatch', hash: undefined });
    expect((refused as RegistryRefusedError).args[0]).toBe(attester.address);
    expect((await readAnchor({ ...good, record })).anchor).toBeUndefined();
    expect((await readAnchor({ ...good, record: run })).anchor).toBeUndefined();
    await anchorAdapter(good);
    expect((await readAnchor({ ...good, record })).anchor).toBeUndefined();
  });

  test("names the contract's reasons and says what to do", async () => {
    const run = runNamed('reasons');
    const good = await anchoring(run);
    const stranger = { privateKey: keyNamed('stranger') };
    const future = { ...run, issuedAt: 1n << 40n };
    const cases = [
      ['NotRecordOwner', { ...good, sender: stranger }],
      ['InvalidSignature', { ...good, signature: '0x00' as Hex }],
      ['AttestationFromFuture', await anchoring(future)],
    ] as const;
    for (const [errorName, options] of cases) {
      const refused = await anchorAdapter(options).catch((error: unknown) => error);
      expect(refused).toMatchObject({ errorName, hash: undefined });
      expect((refused as RegistryRefusedError).next).not.toContain('explorer');
    }
    await anchorAdapter(good);
    await expect(anchorAdapter(good)).rejects.toMatchObject({ errorName: 'AlreadyAnchored' });
  });
});

describe('mistakes are named', () => {
  test('an owner without funds', async () => {
    const poor = { privateKey: keyNamed('poor') };
    const address = privateKeyToAccount(poor.privateKey).address;
    await setBalance(address, 7n);
    const options = { ...(await anchoring({ ...runNamed('poor'), owner: address })), sender: poor };
    await expect(anchorAdapter(options)).rejects.toSatisfy(
      (error) => error instanceof LowFundsError && error.balance === 7n && error.needed > 7n,
    );
    const deploying = deployRegistry({ rpcUrl: chain.rpcUrl, sender: poor });
    await expect(deploying).rejects.toBeInstanceOf(LowFundsError);
    await setBalance(address, parseEther('1'));
    await expect(anchorAdapter(options)).resolves.toMatchObject({ registry: deployed.registry });
  });

  test('another chain, an empty address, another contract, no node', async () => {
    const good = await anchoring(runNamed('mistakes'));
    await expect(readAnchor({ ...good, chainId: 1 })).rejects.toThrow(
      expect.objectContaining({ name: WrongChainError.name, expected: 1, actual: LOCAL_CHAIN }),
    );
    await expect(anchorAdapter({ ...good, registry: zeroAddress })).rejects.toThrow(NoRegistryError);
    const other: Hex = '0x00000000000000000000000000000000000c0de0';
    const client = createTestClient({ mode: 'hardhat', transport: http(chain.rpcUrl) });
    for (const bytecode of ['0x00', '0xfe'] as const) {
      await client.setCode({ address: other, bytecode });
      await expect(readAnchor({ ...good, registry: other })).rejects.toThrow(/another contract/);
    }
    await expect(readAnchor({ ...good, rpcUrl: await closedUrl() })).rejects.toThrow(ChainUnreachableError);
    expect((await readAnchor({ ...good, chainId: LOCAL_CHAIN })).anchor).toBeUndefined();
  });
});

/** A URL on which nothing listens: a port that was free a moment ago. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 1}`;
}

describe('the local chain', () => {
  test('stops with all it started, and a taken port is an error', async () => {
    const own = await startHardhatNode();
    const port = Number(new URL(own.rpcUrl).port);
    await expect(startHardhatNode({ port })).rejects.toThrow(HardhatError);
    await own.stop();
    await own.stop();
    await expect(readAnchor({ ...(await anchoring(runNamed('gone'))), rpcUrl: own.rpcUrl })).rejects.toThrow(
      ChainUnreachableError,
    );
  });

  test('ends with the process that started it', async () => {
    const script = `import { startHardhatNode } from './prover/chain/node.ts';
      console.log((await startHardhatNode()).rpcUrl); process.exit(0);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const rpcUrl = stdout.trim();
    expect(rpcUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect(readAnchor({ ...(await anchoring(runNamed('gone'))), rpcUrl })).rejects.toThrow(ChainUnreachableError);
  });
});
