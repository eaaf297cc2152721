import { env } from 'cloudflare:workers';
import { encodeFunctionResult, toFunctionSelector } from 'viem/utils';
import { beforeEach, describe, expect, test } from 'vitest';

import type { Hex } from '../../protocol/attestation.ts';
import { RECORD_STATUSES, RECORD_VIEWS } from '../../api/registry-abi.ts';
import { anchorOf, anchorsOf, ChainReadError } from '../../worker/chain.ts';
import { chainSettings, readRecords } from '../../worker/chain-node.ts';
import { LEAST_RECENT, watchRecords } from '../../worker/chain-watch.ts';
import { SettingError, type Env } from '../../worker/env.ts';
import { notesOf } from './outbound.ts';

const REGISTRY = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
const ATTESTER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const ZERO = `0x${'00'.repeat(32)}` as const;
const NOW = Math.floor(Date.now() / 1000);
const id = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

let nodes = 0;
type View = (typeof RECORD_VIEWS)[number]['name'];
const selector = (name: View): string => toFunctionSelector(RECORD_VIEWS.find((view) => view.name === name)!);

interface State {
  readonly status: (typeof RECORD_STATUSES)[number];
  readonly anchoredAt?: number;
  readonly endedAt?: number;
  readonly successor?: Hex;
}

/** Settings of a node that says this of every record; each node is another, so that none rests for another's failure. */
function nodeSaying(state: State, chain = '0x7a69', script = 'says'): Env {
  const { status, anchoredAt = NOW - 800, endedAt = 0, successor = ZERO } = state;
  const code = RECORD_STATUSES.indexOf(status);
  const attester = status === 'unknown' ? (`0x${'00'.repeat(20)}` as const) : ATTESTER;
  const anchor = {
    attester,
    issuedAt: NOW - 900,
    anchoredAt: status === 'unknown' ? 0 : anchoredAt,
    status: code,
  } as const;
  const url = new URL(`https://node.example.com/${script}?chain=${chain}&n=${nodes++}`);
  const said = {
    anchorOf: encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'anchorOf', result: anchor }),
    endedAt: encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'endedAt', result: endedAt }),
    statusOf: encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'statusOf', result: code }),
    successorOf: successor,
    parentOf: ZERO,
  };
  for (const [name, data] of Object.entries(said)) url.searchParams.set(selector(name as View), data);
  return settings(url.href);
}

const settings = (CHAIN_RPC_URL: string): Env => ({
  ...env,
  CHAIN_RPC_URL,
  CHAIN_ID: '31337',
  REGISTRY_ADDRESS: REGISTRY,
});

/** How often a node was asked. */
const asked = async ({ CHAIN_RPC_URL }: Env): Promise<number> =>
  (await notesOf('node')).filter(({ url }) => url === CHAIN_RPC_URL).length;

const events = async (): Promise<{ type: string; data: string; sent_at: number | null }[]> =>
  (await env.INDEX.prepare('SELECT type, data, sent_at FROM events ORDER BY id').all<never>()).results;

/** Enters complete runs with these records, as the store does. */
async function complete(...records: Hex[]): Promise<void> {
  const digest = (record: Hex) => record.slice(2);
  await env.INDEX.batch(
    records.flatMap((record) => [
      env.INDEX.prepare('INSERT INTO completions VALUES (?1, ?1, ?1, ?1, ?2, ?3)').bind(digest(record), record, NOW),
      env.INDEX.prepare("INSERT OR IGNORE INTO anchors VALUES (?1, 'null', 0)").bind(record),
    ]),
  );
}

beforeEach(async () => {
  await env.INDEX.batch(['anchors', 'completions', 'events'].map((table) => env.INDEX.prepare(`DELETE FROM ${table}`)));
});

describe('the settings', () => {
  const some = { CHAIN_RPC_URL: 'https://node.example.com/secret', CHAIN_ID: '1', REGISTRY_ADDRESS: REGISTRY };

  test('none: nothing is asked', async () => {
    expect(chainSettings(env)).toBeNull();
    expect(await anchorOf(env, id(1))).toBeNull();
    expect(await anchorsOf(env, [id(1)])).toBeNull();
    expect(await watchRecords(env)).toBe(0);
  });

  test('all: with the address in ERC-55', () => {
    const { rpcUrl, chainId, registry } = chainSettings({ ...env, ...some, REGISTRY_ADDRESS: REGISTRY.toLowerCase() })!;
    expect([rpcUrl, chainId, registry]).toEqual([some.CHAIN_RPC_URL, 1, REGISTRY]);
  });

  test.each([
    [{ ...some, CHAIN_RPC_URL: '' }],
    [{ ...some, CHAIN_ID: '' }],
    [{ ...some, REGISTRY_ADDRESS: '' }],
    [{ ...some, CHAIN_RPC_URL: 'file:///secret' }],
    [{ ...some, CHAIN_RPC_URL: 'secret' }],
    [{ ...some, CHAIN_ID: '0x1' }],
    [{ ...some, CHAIN_ID: '0' }],
    [{ ...some, REGISTRY_ADDRESS: '0x1234' }],
  ])('%o is an error, which does not tell the URL', (wrong) => {
    expect(() => chainSettings({ ...env, ...wrong })).toThrow(SettingError);
    expect(() => chainSettings({ ...env, ...wrong })).not.toThrow(/secret/);
  });
});

describe('an anchor', () => {
  test('is told as the registry has it', async () => {
    const node = nodeSaying({ status: 'superseded', endedAt: NOW - 5, successor: id(9) });
    expect(await anchorOf(node, id(1), NOW)).toEqual({
      ...{ chainId: 31337, registry: REGISTRY, record: id(1), status: 'superseded', attester: ATTESTER },
      ...{ anchoredAt: NOW - 800, endedAt: NOW - 5, successor: id(9), parent: null, readAt: NOW },
    });
    expect(await anchorOf(nodeSaying({ status: 'unknown' }), id(2), NOW)).toMatchObject({
      ...{ status: 'unknown', attester: null, anchoredAt: null, endedAt: null, successor: null, parent: null },
    });
  });

  test('is asked for once a minute', async () => {
    const node = nodeSaying({ status: 'anchored' });
    for (const later of [0, 1, 59]) expect(await anchorOf(node, id(1), NOW + later)).toMatchObject({ readAt: NOW });
    expect(await asked(node)).toBe(1);
    expect(await anchorOf(node, id(1), NOW + 60)).toMatchObject({ readAt: NOW + 60 });
    expect(await asked(node)).toBe(2);
  });

  test('many are asked for together, and only those that are not fresh', async () => {
    const node = nodeSaying({ status: 'anchored' });
    await anchorOf(node, id(1), NOW);
    const ids = Array.from({ length: 50 }, (_, i) => id(i));
    const found = await anchorsOf(node, [...ids, ...ids], NOW + 1);
    expect(found?.error).toBeNull();
    expect(found?.anchors.size).toBe(50);
    expect(found?.anchors.get(id(1))?.readAt).toBe(NOW);
    // 49 records, 4 calls each, 80 calls a request.
    expect(await asked(node)).toBe(1 + 3);
  });

  test('of another registry or chain is not taken for this one’s', async () => {
    const node = nodeSaying({ status: 'anchored' });
    await anchorOf(node, id(1), NOW);
    const other = { ...nodeSaying({ status: 'unknown' }), REGISTRY_ADDRESS: `0x${'22'.repeat(20)}` };
    expect(await anchorOf(other, id(1), NOW)).toMatchObject({ status: 'unknown' });
  });
});

describe('a node that fails', () => {
  test.each([
    ['text', 'no JSON'],
    ['status', 'status 503'],
    ['one', 'something else than asked'],
    ['few?chain=0x7a69&default=0x', 'something else than asked'],
    ['redirect', 'status 307'],
    ['says?chain=0x1&default=0x', 'chain 1, not 31337'],
    ['says?default=0x', 'something else'],
    ['says?chain=0x7a69&default=0x', 'no registry'],
    ['says?chain=0x7a69&default=0x1234', 'no registry'],
    [`says?chain=0x7a69&default=0x${'ff'.repeat(32)}`, 'no registry'],
    ['says?chain=0x7a69', 'refused eth_call (code 3)'],
    ['says?chain=0x7a69&default=javascript', 'something else'],
  ])('/%s: %s', async (path, why) => {
    const node = settings(`https://node.example.com/${path}${path.includes('?') ? '&' : '?'}n=${nodes++}`);
    const error = await anchorOf(node, id(1)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ChainReadError);
    expect((error as Error).message).toContain(why);
    expect((error as Error).message).not.toContain('node.example');
    expect((await env.INDEX.prepare('SELECT COUNT(*) AS n FROM anchors').first('n'))!).toBe(0);
  });

  test('a status that there is not', async () => {
    const node = nodeSaying({ status: 'anchored' });
    const url = new URL(node.CHAIN_RPC_URL!);
    const wrong = { attester: ATTESTER, issuedAt: 1, anchoredAt: 1, status: 7 } as const;
    url.searchParams.set(
      selector('anchorOf'),
      encodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'anchorOf', result: wrong }),
    );
    await expect(anchorOf(settings(url.href), id(1))).rejects.toThrow('unknown status 7');
  });

  test('is not waited for longer than five seconds', async () => {
    const chain = chainSettings(settings('https://node.example.com/slow'))!;
    await expect(readRecords(chain, [id(1)])).rejects.toThrow('did not answer');
  });

  test('the last word is told, with its time', async () => {
    await anchorOf(nodeSaying({ status: 'anchored' }), id(1), NOW);
    const down = settings(`https://node.example.com/status?n=${nodes++}`);
    expect(await anchorOf(down, id(1), NOW + 3_600)).toMatchObject({ status: 'anchored', readAt: NOW });
    const { anchors, error } = (await anchorsOf(down, [id(1), id(2)], NOW + 3_600))!;
    expect([...anchors.keys()]).toEqual([id(1)]);
    expect(error).toBeInstanceOf(ChainReadError);
  });

  test('is left alone for a while, so that no reader waits for it', async () => {
    const down = settings(`https://node.example.com/status?n=${nodes++}`);
    for (const later of [0, 1, 14]) await expect(anchorOf(down, id(1), NOW + later)).rejects.toThrow(ChainReadError);
    expect(await asked(down)).toBe(1);
    await expect(anchorOf(down, id(1), NOW + 15)).rejects.toThrow('503');
    expect(await asked(down)).toBe(2);
  });
});

describe('the watch for revocations', () => {
  const toldAs = async (type: string) => (await events()).filter((event) => event.type === type);

  test('tells of an anchor once, whoever notices it, and again where it is in another block', async () => {
    await complete(id(1), id(2), id(3));
    await watchRecords(nodeSaying({ status: 'unknown' }), NOW);
    const anchored = nodeSaying({ status: 'anchored', anchoredAt: NOW + 100 });
    await anchorOf(anchored, id(1), NOW + 120);
    expect(await watchRecords(anchored, NOW + 120)).toBe(2);
    expect(await watchRecords(anchored, NOW + 240)).toBe(3);
    const told = await events();
    expect(told.map(({ type, sent_at }) => [type, sent_at])).toEqual(
      Array.from({ length: 3 }, () => ['adapter.anchored', null]),
    );
    const data = told.map((event) => JSON.parse(event.data) as Record<string, unknown>);
    expect(data.map(({ record }) => record).sort()).toEqual([id(1), id(2), id(3)]);
    for (const { record, ...facts } of data) {
      const digest = String(record).slice(2);
      const registry = { chainId: 31337, registry: REGISTRY };
      expect(facts).toEqual({ runId: digest, adapterRoot: digest, ...registry, anchoredAt: NOW + 100 });
    }

    // A reorganisation: gone, back in the same block, gone, and back in another.
    await watchRecords(nodeSaying({ status: 'unknown' }), NOW + 360);
    await watchRecords(anchored, NOW + 480);
    expect(await events()).toHaveLength(3);
    await watchRecords(nodeSaying({ status: 'unknown' }), NOW + 600);
    await watchRecords(nodeSaying({ status: 'anchored', anchoredAt: NOW + 112 }), NOW + 720);
    expect(await events()).toHaveLength(6);
  });

  test('a record that is new here and was anchored long ago is no news', async () => {
    await complete(id(1));
    await watchRecords(nodeSaying({ status: 'anchored', anchoredAt: NOW - 900_000 }), NOW);
    expect((await toldAs('adapter.anchored')).map(({ sent_at }) => sent_at)).toEqual([NOW - 900_000]);
  });

  test('tells of a revocation once, whoever notices it', async () => {
    await complete(id(1), id(2));
    expect(await watchRecords(nodeSaying({ status: 'anchored' }), NOW)).toBe(2);
    expect(await toldAs('adapter.revoked')).toEqual([]);
    const revoked = nodeSaying({ status: 'revoked', endedAt: NOW + 100 });
    // One is noticed by a reader, the other by the schedule.
    await anchorOf(revoked, id(1), NOW + 120);
    expect(await watchRecords(revoked, NOW + 120)).toBe(1);
    expect(await watchRecords(revoked, NOW + 240)).toBe(0);
    const told = await toldAs('adapter.revoked');
    expect(told.map(({ sent_at }) => sent_at)).toEqual([null, null]);
    const records = told.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
    expect(records.map(({ record }) => record).sort()).toEqual([id(1), id(2)]);
    expect(records[0]).toMatchObject({ chainId: 31337, registry: REGISTRY, endedAt: NOW + 100 });
  });

  test('a record that is new here and was revoked long ago is no news; one that was superseded long ago and is revoked now is', async () => {
    await complete(id(1));
    await watchRecords(nodeSaying({ status: 'revoked', endedAt: NOW - 900_000 }), NOW);
    expect((await events()).map(({ sent_at }) => sent_at)).toEqual([NOW - 900_000]);

    await complete(id(2));
    await watchRecords(nodeSaying({ status: 'superseded', endedAt: NOW - 900_000 }), NOW);
    await watchRecords(nodeSaying({ status: 'revoked', endedAt: NOW - 900_000 }), NOW + 60);
    expect((await events()).filter(({ sent_at }) => sent_at === null)).toHaveLength(1);
  });

  test('comes round to every record, and bothers the node little', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => id(i + 1));
    await complete(...ids);
    const node = nodeSaying({ status: 'anchored' });
    const counts = [];
    for (let minute = 0; minute < 4; minute++) counts.push(await watchRecords(node, NOW + 60 * minute));
    expect(counts).toEqual([20, 20, 20, 20]);
    const seen = await env.INDEX.prepare(
      "SELECT COUNT(*) AS n FROM anchors WHERE anchor ->> '$.status' = 'anchored'",
    ).first('n');
    expect(seen).toBe(50);
    // The second look at the same 20 asks for their status alone.
    const before = await asked(node);
    await watchRecords(node, NOW + 600);
    expect((await asked(node)) - before).toBe(1);
  });

  test('looks its records up by an index', async () => {
    for (const [i, index] of ['anchors_on_chain', 'anchors_elsewhere'].entries()) {
      const plan = env.INDEX.prepare(`EXPLAIN QUERY PLAN ${LEAST_RECENT[i]}`).bind(NOW);
      const { results } = await plan.all<{ detail: string }>();
      expect(results.map(({ detail }) => detail).join()).toContain(`USING INDEX ${index}`);
    }
  });

  test('many records that were never anchored keep no anchored one waiting', async () => {
    await complete(id(200));
    await anchorOf(nodeSaying({ status: 'anchored' }), id(200), NOW - 3_600);
    await complete(...Array.from({ length: 100 }, (_, i) => id(i + 1)));
    // The flood was never looked at: all of it would go first.
    expect(await watchRecords(nodeSaying({ status: 'revoked', endedAt: NOW }), NOW)).toBe(20);
    const told = (await events()).map(({ data }) => (JSON.parse(data) as { record: Hex }).record);
    expect(told).toContain(id(200));
  });

  test('many anchored records keep none waiting that was never looked at', async () => {
    await complete(...Array.from({ length: 100 }, (_, i) => id(i + 1)));
    const node = nodeSaying({ status: 'anchored' });
    await anchorsOf(
      node,
      Array.from({ length: 100 }, (_, i) => id(i + 1)),
      NOW - 3_600,
    );
    await complete(id(200));
    await watchRecords(node, NOW);
    const query = env.INDEX.prepare('SELECT record FROM anchors WHERE read_at = ?1').bind(NOW);
    const seen = (await query.all<{ record: Hex }>()).results.map(({ record }) => record);
    expect(seen).toContain(id(200));
    expect(seen).toHaveLength(20);
  });

  test('a reader’s question about a record of nobody’s run tells nobody anything', async () => {
    await anchorOf(nodeSaying({ status: 'revoked', endedAt: NOW }), id(66), NOW);
    expect(await events()).toEqual([]);
  });
});
