import { keccak256, toHex } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { checksumAddress } from '../../protocol/attestation.ts';
import { anchorOf } from '../../worker/chain.ts';
import { followLogs, watchRecords } from '../../worker/chain-watch.ts';
import { rangeOf, watchedRegistry, type WatchedRegistry } from './watched-registry.ts';

const STRANGER_REGISTRY = checksumAddress(`0x${'22'.repeat(20)}`);
let watched: WatchedRegistry;
beforeAll(async () => {
  watched = await watchedRegistry();
});
afterAll(() => watched.stop());
beforeEach(() => watched.reset());

const SPAN = 640;
const idsOf = (list: readonly string[]): string[] => list.map(watched.idOf).sort();
const names = (count: number, what = 'record'): string[] => Array.from({ length: count }, (_, i) => `${what} ${i}`);

describe('a revocation', () => {
  test('among 300 records is noticed by one run, with a few requests', async () => {
    const known = names(300);
    await watched.complete(...known);
    await watched.follow();
    expect(await watched.cursor()).toEqual({ next: (await watched.head()) + 1, span: SPAN });
    await watched.revoke('record 217');
    await watched.revoke('of a stranger');
    watched.asked();
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('record 217')]);
    expect(await watched.cursor()).toEqual({ next: (await watched.head()) + 1, span: SPAN });
    // One request for logs; of the record its status, then the rest of it.
    const end = await watched.head();
    expect(watched.asked()).toEqual({ ranges: [[end - 2 + 1 - 64, end]], calls: 1 + 4 });

    // What was read again is known.
    expect(await watched.follow()).toBe(0);
    expect(watched.asked()).toEqual({ ranges: [[end + 1 - 64, end]], calls: 0 });
    expect(await watched.told()).toHaveLength(1);
  });

  test('in a flood of 5,000 strangers’ records is noticed by one run, and they are asked nothing about', async () => {
    await watched.complete('a');
    await watched.follow();
    await watched.revoke('a');
    const end = await watched.head();
    const flood = names(5_000, 'stranger').map((name) => watched.revocationLog(keccak256(toHex(name)), end));
    watched.node.meddle = ({ method }, said) =>
      method === 'eth_getLogs' ? { result: [...flood, ...(said as unknown[]), ...flood] } : undefined;
    watched.asked();
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('a')]);
    expect(watched.asked()).toMatchObject({ ranges: { length: 1 }, calls: 1 + 4 });
    expect(await watched.index.prepare('SELECT COUNT(*) AS n FROM anchors').first('n')).toBe(1);
  });

  test('is noticed as an anchor and a supersession are; the state is that of the registry', async () => {
    await watched.complete('a', 'b', 'c');
    await watched.follow();
    for (const name of ['a', 'b', 'c']) await watched.anchor(name);
    await watched.supersede('a', 'b');
    await watched.revoke('c');
    expect(await watched.follow()).toBe(3);
    const { results } = await watched.index
      .prepare("SELECT record, anchor ->> '$.status' AS status FROM anchors")
      .all();
    const statuses = { a: 'superseded', b: 'anchored', c: 'revoked' };
    const expected = Object.entries(statuses).map(([name, status]) => ({ record: watched.idOf(name), status }));
    expect(results).toHaveLength(3);
    expect(results).toEqual(expect.arrayContaining(expected));
    expect(await watched.told()).toEqual([watched.idOf('c')]);
    expect(await watched.told('adapter.anchored')).toEqual([watched.idOf('b')]);

    // Of a record that was superseded before.
    await watched.revoke('a');
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual(idsOf(['a', 'c']));
  });

  test('from before the first run is left to the polling', async () => {
    await watched.complete('early');
    await watched.revoke('early');
    await watched.mine(100);
    expect(await watched.follow()).toBe(0);
    expect(await watched.told()).toEqual([]);
    expect(await watchRecords(watched.env, watched.now())).toBe(1);
    expect(await watched.index.prepare('SELECT COUNT(*) AS n FROM events').first('n')).toBe(1);
  });

  test('of a record that was superseded long ago and never looked at is news', async () => {
    for (const name of ['a', 'b']) await watched.anchor(name);
    await watched.supersede('a', 'b');
    await watched.mine(100);
    watched.later(10 * 86_400);
    await watched.follow();
    await watched.complete('a', 'b');
    await watched.revoke('a');
    await watched.follow();
    expect(await watched.told()).toEqual([watched.idOf('a')]);
  });

  test('that a reorganisation undid and that comes again is told again', async () => {
    await watched.complete('a');
    await watched.follow();
    const before = await watched.client.snapshot();
    await watched.revoke('a');
    await watched.mine(5);
    await watched.follow();
    expect(await watched.told()).toHaveLength(1);
    const { next } = await watched.cursor();
    await watched.client.revert({ id: before });
    expect(await watched.head()).toBe(next - 1 - 6);
    // The node is behind the cursor, which waits; the last blocks are read again.
    expect(await watched.follow()).toBe(0);
    expect((await watched.cursor()).next).toBe(next);
    expect(await anchorOf(watched.env, watched.idOf('a'), watched.now())).toMatchObject({ status: 'unknown' });
    await watched.client.setNextBlockTimestamp({ timestamp: (await watched.client.getBlock()).timestamp + 100n });
    await watched.revoke('a');
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('a'), watched.idOf('a')]);
    expect(await anchorOf(watched.env, watched.idOf('a'), watched.now())).toMatchObject({ status: 'revoked' });
  });
});

describe('a run', () => {
  test('is bounded: the next goes on where it stopped', async () => {
    await watched.complete('a');
    await watched.follow();
    await watched.mine(30_000);
    await watched.revoke('a');
    const nexts = [];
    for (let run = 0; run < 3; run++) {
      watched.asked();
      await watched.follow();
      nexts.push((await watched.cursor()).next);
      const { ranges } = watched.asked();
      expect(ranges.length).toBeLessThanOrEqual(20);
      expect(Math.max(...ranges.map(([from, to]) => to - from + 1))).toBe(SPAN);
    }
    expect(nexts[1] - nexts[0]).toBe(20 * SPAN - SPAN);
    expect(nexts[2]).toBe((await watched.head()) + 1);
    expect(await watched.told()).toEqual([watched.idOf('a')]);
  });

  test('looks at a bounded number of known records, whole blocks of them', async () => {
    const known = names(450);
    await watched.complete(...known);
    await watched.follow();
    const first = (await watched.head()) + 1;
    await watched.mine(10);
    // 100, 80, then 250 in one block, which no run can split, then 20.
    const blockOf = (i: number): number => first + (i < 100 ? 0 : i < 180 ? 1 : i < 430 ? 2 : 3);
    const logs = known.map((name, i) => watched.revocationLog(watched.idOf(name), blockOf(i)));
    watched.node.meddle = ({ method, params }) => {
      if (method !== 'eth_getLogs') return undefined;
      const [from, to] = rangeOf(params);
      return { result: logs.filter(({ blockNumber: at }) => Number(at) >= from && Number(at) <= to) };
    };
    // The registry calls them unknown, so that they stay news while their blocks are read again.
    await watched.follow();
    const looked = async () =>
      await watched.index.prepare('SELECT COUNT(*) AS n FROM anchors WHERE read_at > 0').first<number>('n');
    expect(await looked()).toBe(180 + 250);
    expect(await watched.cursor()).toMatchObject({ next: first + 3 });
  });

  test('keeps a cursor for each registry', async () => {
    await watched.complete('a');
    await watched.follow();
    const before = await watched.cursor();
    const elsewhere = { ...watched.env, REGISTRY_ADDRESS: STRANGER_REGISTRY };
    await watched.mine(100);
    await watched.revoke('a');
    expect(await followLogs(elsewhere, watched.now())).toBe(0);
    expect(await watched.cursor()).toEqual(before);
    // Back at the first: it goes on where it stopped.
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('a')]);
    const { results } = await watched.index.prepare('SELECT registry FROM chain_cursors ORDER BY registry').all();
    expect(results).toEqual([watched.registry, STRANGER_REGISTRY].sort().map((each) => ({ registry: each })));
  });
});
