import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { encodeFunctionResult, toEventSelector, toFunctionSelector } from 'viem/utils';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { RECORD_STATUSES, RECORD_VIEWS } from '../../api/registry-abi.ts';
import type { Hex } from '../../protocol/attestation.ts';
import { readLogs, STATUS_EVENTS } from '../../worker/chain-logs.ts';
import { ChainReadError, chainSettings, type RecordStatus } from '../../worker/chain-node.ts';
import { followLogs } from '../../worker/chain-watch.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';
import { emptyIndex, rowsOf } from './index-rows.ts';
import { notesOf } from './outbound.ts';

const REGISTRY = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
const NOW = Math.floor(Date.now() / 1000);
const REVOKED = toEventSelector('AdapterRevoked(bytes32,address)');
const OWNER = `0x${'00'.repeat(12)}${'77'.repeat(20)}`;
const id = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const hex = (n: number): Hex => `0x${n.toString(16)}`;

let nodes = 0;

/** A log of a revocation, as nodes write them; other fields as given. */
const log = (record: Hex, block: number, other: object = {}) => ({
  ...{ address: REGISTRY.toLowerCase(), topics: [REVOKED, record, OWNER], data: '0x', blockNumber: hex(block) },
  ...{ blockHash: id(0xbb), transactionHash: id(0xcc), transactionIndex: '0x0', logIndex: '0x0', removed: false },
  ...other,
});

interface Telling {
  /** A number, or what is told instead of one. */
  readonly head?: unknown;
  readonly status?: RecordStatus;
  readonly chain?: string;
}

/** Settings of a node that tells these logs whatever is asked for, and of every record that it has this status. */
function nodeTelling(logs: unknown, { head = 100, status = 'revoked', chain = '0x7a69' }: Telling = {}): Env {
  const url = new URL(`https://node.example.com/says?chain=${chain}&n=w${nodes++}`);
  const code = RECORD_STATUSES.indexOf(status);
  const attester = `0x${'11'.repeat(20)}` as const;
  const anchor = { attester, issuedAt: NOW - 900, anchoredAt: NOW - 800, status: code } as const;
  const ended = encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'endedAt', result: NOW - 60 });
  const word = encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'statusOf', result: code });
  const said = { anchorOf: encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'anchorOf', result: anchor }) };
  for (const [name, data] of Object.entries({ ...said, endedAt: ended, statusOf: word }))
    url.searchParams.set(toFunctionSelector(RECORD_VIEWS.find((view) => view.name === name)!), data);
  url.searchParams.set('default', `0x${'00'.repeat(32)}`);
  url.searchParams.set('eth_blockNumber', JSON.stringify(typeof head === 'number' ? hex(head) : head));
  if (logs !== null) url.searchParams.set('eth_getLogs', JSON.stringify(logs));
  return { ...env, CHAIN_RPC_URL: url.href, CHAIN_ID: '31337', REGISTRY_ADDRESS: REGISTRY };
}

/** What a node was asked for, by method. */
async function asked({ CHAIN_RPC_URL }: Env): Promise<Record<string, number>> {
  const bodies = (await notesOf('node')).filter(({ url }) => url === CHAIN_RPC_URL).map(({ body }) => body);
  const methods = bodies.flatMap((body) => (JSON.parse(body) as { method: string }[]).map(({ method }) => method));
  return Object.fromEntries([...new Set(methods)].map((m) => [m, methods.filter((each) => each === m).length]));
}

/** Enters complete runs with these records, as the store does. */
async function complete(...records: Hex[]): Promise<void> {
  const insert = env.INDEX.prepare('INSERT INTO completions VALUES (?1, ?1, ?1, ?1, ?2, ?3)');
  const anchor = env.INDEX.prepare("INSERT INTO anchors VALUES (?1, 'null', 0)");
  await env.INDEX.batch(records.flatMap((record) => [insert.bind(record.slice(2), record, NOW), anchor.bind(record)]));
}

const revocations = async (): Promise<unknown[]> =>
  (await rowsOf('events'))
    .filter(({ type }) => type === 'adapter.revoked')
    .map(({ data }) => (JSON.parse(data as string) as { record: Hex }).record);

beforeEach(emptyIndex);

describe('a hostile or broken node', () => {
  const answers: [string, unknown][] = [
    ['no list', 'javascript'],
    ['an error as its result', { message: 'oops' }],
    ['logs without topics', [{ address: REGISTRY, blockNumber: '0x50' }]],
    ['a log of no event', [log(id(1), 80, { topics: [] })]],
    ['a log without an id', [log(id(1), 80, { topics: [REVOKED] })]],
    ['a topic of another length', [log(id(1), 80, { topics: [REVOKED, '0x12', OWNER] })]],
    ['more topics than there are', [log(id(1), 80, { topics: [REVOKED, id(1), OWNER, OWNER, OWNER] })]],
    ['another event', [log(id(1), 80, { topics: [id(9), id(1), OWNER] })]],
    ['another contract', [log(id(1), 80, { address: `0x${'22'.repeat(20)}` })]],
    ['a block before', [log(id(1), 5)]],
    ['a block behind', [log(id(1), 101)]],
    ['a block that is pending', [log(id(1), 80, { blockNumber: null })]],
    ['a block beyond numbers', [log(id(1), 80, { blockNumber: `0x${'f'.repeat(40)}` })]],
  ];

  test.each(answers)('tells %s: nothing is believed, and the cursor stays', async (_, logs) => {
    await complete(id(1));
    const node = nodeTelling(logs);
    const error = await followLogs(node, NOW).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ChainReadError);
    expect((error as Error).message).toMatch(/logs/);
    expect((error as Error).message).not.toContain('node.example');
    expect(await rowsOf('chain_cursors')).toMatchObject([{ next_block: 101 }]);
    expect(await rowsOf('anchors')).toMatchObject([{ anchor: 'null' }]);
    expect(await revocations()).toEqual([]);
  });

  test.each([[null], ['latest'], [`0x${'f'.repeat(16)}`], ['0x-5'], ['0x01'], [[]]])(
    'is at block %j: no cursor',
    async (head) => {
      await expect(followLogs(nodeTelling([], { head }), NOW)).rejects.toThrow(ChainReadError);
      expect(await rowsOf('chain_cursors')).toEqual([]);
    },
  );

  test('of another chain is not asked for logs', async () => {
    const node = nodeTelling([], { chain: '0x1' });
    await expect(followLogs(node, NOW)).rejects.toThrow('chain 1, not 31337');
    expect((await asked(node))['eth_getLogs']).toBeUndefined();
  });

  test('tells of a revocation that the registry does not: no event', async () => {
    await complete(id(1));
    expect(await followLogs(nodeTelling([log(id(1), 80)], { status: 'anchored' }), NOW)).toBe(1);
    expect(await revocations()).toEqual([]);
    expect((await rowsOf('anchors'))[0].anchor).toContain('"anchored"');
  });

  test('that is far ahead for a while keeps nothing from being noticed when it is back', async () => {
    await complete(id(1));
    const ahead = nodeTelling([], { head: 2 ** 50 });
    await followLogs(ahead, NOW);
    const [{ next_block: next }] = await rowsOf('chain_cursors');
    expect(next).toBe(2 ** 50 + 1);
    expect((await asked(ahead))['eth_getLogs']).toBe(1);
    expect(await followLogs(nodeTelling([log(id(1), 80)]), NOW + 60)).toBe(1);
    expect(await revocations()).toEqual([id(1)]);
    // It goes back by nobody's word.
    expect(await rowsOf('chain_cursors')).toMatchObject([{ next_block: next }]);
  });

  test('with a long way to go is asked a bounded number of times a run', async () => {
    await followLogs(nodeTelling([], { head: 1_000 }), NOW);
    const node = nodeTelling([], { head: 2 ** 50 });
    await followLogs(node, NOW + 60);
    expect((await asked(node))['eth_getLogs']).toBe(20);
    // 20 requests of 640 blocks, the first of which were read before.
    expect(await rowsOf('chain_cursors')).toMatchObject([{ next_block: 1_001 - 640 + 20 * 640, span: 640 }]);
  });
});

describe('a log', () => {
  test('of strangers’ records costs no question about them', async () => {
    await complete(id(1));
    const strangers = Array.from({ length: 10 }, (_, i) => log(id(i + 2), 50));
    const node = nodeTelling([...strangers, log(id(1), 60)]);
    expect(await followLogs(node, NOW)).toBe(1);
    // Its status, then the rest of it, since that changed.
    expect(await asked(node)).toEqual({ eth_blockNumber: 1, eth_getLogs: 1, eth_call: 1 + 4, eth_chainId: 4 });
    expect(await rowsOf('anchors')).toHaveLength(1);
  });

  test('that is known is not asked about again', async () => {
    await complete(id(1));
    expect(await followLogs(nodeTelling([log(id(1), 60)]), NOW)).toBe(1);
    const node = nodeTelling([log(id(1), 60)]);
    expect(await followLogs(node, NOW + 60)).toBe(0);
    expect((await asked(node))['eth_call']).toBeUndefined();
    expect(await revocations()).toEqual([id(1)]);
  });

  test('names events of the contract', async () => {
    const node = nodeTelling([]);
    await readLogs(chainSettings(node)!, 1, 2);
    const { body } = (await notesOf('node')).findLast(({ url }) => url === node.CHAIN_RPC_URL)!;
    const [, { params }] = JSON.parse(body) as { params: { topics: Hex[][] }[] }[];
    expect(params).toEqual([
      {
        ...{ address: REGISTRY, fromBlock: '0x1', toBlock: '0x2' },
        topics: [Object.keys(STATUS_EVENTS).map((signature) => toEventSelector(signature))],
      },
    ]);
  });
});

describe('the schedule', () => {
  test('notices by polling what a node without eth_getLogs does not tell, and says so without the URL', async () => {
    await complete(id(1));
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    await worker.scheduled(createScheduledController(), nodeTelling(null));
    expect(warn.mock.calls).toEqual([
      [
        JSON.stringify({
          message: 'chain log',
          why: 'the node refused eth_getLogs (code -32601)',
        }),
      ],
    ]);
    warn.mockRestore();
    expect(await revocations()).toEqual([id(1)]);
  });
});
