/** A registry on a real chain, a node that a test meddles with, and an index in the runtime of the worker that watches. */
import { readD1Migrations } from '@cloudflare/vitest-plugin';
import type { D1Database } from '@cloudflare/workers-types';
import {
  createTestClient,
  createWalletClient,
  http,
  keccak256,
  parseEther,
  publicActions,
  toHex,
  type Hex,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { hardhat } from 'viem/chains';
import { expect } from 'vitest';
import { getPlatformProxy } from 'wrangler';

import {
  adapterRecordId,
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  checksumAddress,
  type RunAttestation,
} from '../../protocol/attestation.ts';
import { REGISTRY_ABI } from '../../prover/chain/abi.ts';
import { deployRegistry } from '../../prover/chain/deploy.ts';
import { startHardhatNode } from '../../prover/chain/node.ts';
import { followLogs } from '../../worker/chain-watch.ts';
import type { Env } from '../../worker/env.ts';
import { meddlingNode } from './meddling-node.ts';

const owner = privateKeyToAccount(keccak256(toHex('owner')));
const attester = privateKeyToAccount(keccak256(toHex('attester')));
const TABLES = ['anchors', 'completions', 'events', 'chain_cursors'] as const;
const DAY = 86_400;

/** Range of blocks of an `eth_getLogs`. */
export function rangeOf(params: readonly unknown[]): [from: number, to: number] {
  const { fromBlock, toBlock } = params[0] as { fromBlock: Hex; toBlock: Hex };
  return [Number(fromBlock), Number(toBlock)];
}

export async function watchedRegistry() {
  const chain = await startHardhatNode();
  const node = await meddlingNode(chain.rpcUrl);
  const transport = http(chain.rpcUrl);
  const client = createTestClient({ mode: 'hardhat', chain: hardhat, transport }).extend(publicActions);
  await client.setBalance({ address: owner.address, value: parseEther('10') });
  const sender = { privateKey: keccak256(toHex('owner')) };
  const deployed = await deployRegistry({ rpcUrl: chain.rpcUrl, chainId: hardhat.id, sender });
  const registry = checksumAddress(deployed.registry);
  const proxy = await getPlatformProxy<{ INDEX: D1Database }>({
    configPath: 'wrangler.toml',
    ...{ persist: false, remoteBindings: false },
  });
  const index = proxy.env.INDEX;
  for (const { queries } of await readD1Migrations('migrations'))
    await index.batch(queries.map((query) => index.prepare(query)));
  const settings = { CHAIN_RPC_URL: node.url, CHAIN_ID: String(hardhat.id), REGISTRY_ADDRESS: registry };
  const env = { ...proxy.env, ...settings } as unknown as Env;

  let now = Math.floor(Date.now() / 1000);
  let series = 0;
  const recordNamed = (name: string): Omit<RunAttestation, 'issuedAt'> => {
    const field = (part: string): Hex => keccak256(toHex(`${series}/${name}/${part}`));
    return {
      ...{ runId: field('run'), runDigest: field('digest'), adapterRoot: field('adapter'), baseRoot: field('base') },
      ...{ dataRoot: field('data'), owner: owner.address, steps: 4n, verifier: field('v') },
    };
  };
  const idOf = (name: string): Hex => adapterRecordId(recordNamed(name));

  const wallet = createWalletClient({ account: owner, chain: hardhat, transport });
  const at = { address: registry, abi: REGISTRY_ABI } as const;
  const mined = async (hash: Promise<Hex>): Promise<void> => {
    const receipt = await client.waitForTransactionReceipt({ hash: await hash, pollingInterval: 20 });
    expect(receipt.status).toBe('success');
  };

  return {
    ...{ env, index, node, client, registry, idOf },
    /** The time of the last run, seconds since 1970. */
    now: () => now,
    /** Records of before are of another test; nothing is known, no node rests, a hundred blocks have passed. */
    async reset(): Promise<void> {
      series++;
      now += DAY;
      node.meddle = () => undefined;
      await index.batch(TABLES.map((table) => index.prepare(`DELETE FROM ${table}`)));
      await client.mine({ blocks: 100 });
      node.take();
    },
    later(seconds: number): void {
      now += seconds;
    },
    /** One run of the first part of the schedule, a minute after the last. */
    follow: (): Promise<number> => followLogs(env, (now += 60)),
    mine: (blocks: number): Promise<void> => client.mine({ blocks }),
    head: async (): Promise<number> => Number(await client.getBlockNumber({ cacheTime: 0 })),
    async anchor(name: string): Promise<void> {
      const message = { ...recordNamed(name), issuedAt: 1_763_800_000n };
      const about = { domain: ATTESTATION_DOMAIN, types: ATTESTATION_TYPES, primaryType: 'RunAttestation' } as const;
      const signature = await attester.signTypedData({ ...about, message });
      const attestation = { attester: attester.address, issuedAt: message.issuedAt, signature };
      await mined(wallet.writeContract({ ...at, functionName: 'anchor', args: [recordNamed(name), attestation] }));
    },
    revoke: (name: string): Promise<void> =>
      mined(wallet.writeContract({ ...at, functionName: 'revoke', args: [recordNamed(name)] })),
    supersede: (older: string, newer: string): Promise<void> =>
      mined(wallet.writeContract({ ...at, functionName: 'supersede', args: [recordNamed(older), recordNamed(newer)] })),
    /** What a node tells of a revocation. */
    revocationLog: (id: Hex, block: number) => {
      const topic = keccak256(toHex('AdapterRevoked(bytes32,address)'));
      return { address: registry, topics: [topic, id, `0x${'00'.repeat(32)}`], data: '0x', blockNumber: toHex(block) };
    },
    /** Enters complete runs with records of these names, as the store does. */
    async complete(...records: string[]): Promise<void> {
      const ids = JSON.stringify(records.map(idOf));
      const completions = `INSERT INTO completions SELECT value, value, value, value, value, ${now} FROM json_each(?1)`;
      const anchors = "INSERT INTO anchors SELECT value, 'null', 0 FROM json_each(?1)";
      await index.batch([completions, anchors].map((query) => index.prepare(query).bind(ids)));
    },
    /** Records whose revocation, or anchor, subscribers are to be told of, sorted. */
    async told(type: 'adapter.revoked' | 'adapter.anchored' = 'adapter.revoked'): Promise<string[]> {
      const query = index.prepare(
        "SELECT data ->> '$.record' AS record FROM events WHERE sent_at IS NULL AND type = ?1",
      );
      return (await query.bind(type).all<{ record: string }>()).results.map(({ record }) => record).sort();
    },
    cursor: async (): Promise<{ next: number; span: number }> => {
      const query = index.prepare('SELECT next_block AS next, span FROM chain_cursors WHERE registry = ?1');
      return (await query.bind(registry).first<{ next: number; span: number }>())!;
    },
    /** Ranges that logs were asked of since the last time, and how often the registry was called. */
    asked(): { ranges: [number, number][]; calls: number } {
      const requests = node.take();
      const logs = requests.filter(({ method }) => method === 'eth_getLogs');
      const calls = requests.filter(({ method }) => method === 'eth_call').length;
      return { ranges: logs.map(({ params }) => rangeOf(params)), calls };
    },
    async stop(): Promise<void> {
      await proxy.dispose();
      await node.close();
      await chain.stop();
    },
  };
}

/** The chain and index of a test file. */
export type WatchedRegistry = Awaited<ReturnType<typeof watchedRegistry>>;
