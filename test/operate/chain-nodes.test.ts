import { hardhat } from 'viem/chains';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { rangeOf, watchedRegistry, type WatchedRegistry } from './watched-registry.ts';

let watched: WatchedRegistry;
beforeAll(async () => {
  watched = await watchedRegistry();
});
afterAll(() => watched.stop());
beforeEach(() => watched.reset());

const SPAN = 640;
const idsOf = (list: readonly string[]): string[] => list.map(watched.idOf).sort();
const names = (count: number, what = 'record'): string[] => Array.from({ length: count }, (_, i) => `${what} ${i}`);

const lengthOf = ([from, to]: readonly [number, number]): number => to - from + 1;
const blocksOf = (params: readonly unknown[]): number => lengthOf(rangeOf(params));

describe('a node', () => {
  test('that refuses many results is asked for fewer blocks, down to one', async () => {
    const revoked = names(12, 'flood');
    await watched.complete(...revoked);
    await watched.follow();
    for (const name of revoked) await watched.revoke(name);
    const error = { code: -32005, message: `query returned more than 1 results; see ${watched.node.url}` };
    const refuse = (most: number): void => {
      watched.node.meddle = ({ method }, said) =>
        method === 'eth_getLogs' && (said as unknown[]).length > most ? { error } : undefined;
    };
    refuse(1);
    watched.asked();
    let found = 0;
    for (let run = 0; run < 3; run++) found += await watched.follow();
    expect(found).toBe(12);
    expect(await watched.told()).toEqual(idsOf(revoked));
    const { ranges } = watched.asked();
    expect(ranges.map(lengthOf)).toContain(1);
    // Each run is bounded.
    expect(ranges.length).toBeLessThanOrEqual(3 * 20);

    refuse(100);
    for (let run = 0; run < 10; run++) await watched.follow();
    expect(await watched.cursor()).toEqual({ next: (await watched.head()) + 1, span: SPAN });
    // One that refuses even a single block is told as such; without what it said.
    refuse(-1);
    const refusal = await watched.follow().catch((cause: unknown) => String(cause));
    expect(refusal).toContain('the node refused eth_getLogs (code -32005)');
    expect(refusal).not.toContain('127.0.0.1');
    expect((await watched.cursor()).next).toBe((await watched.head()) + 1);
  });

  test.each([[{ error: { code: -32600, message: 'up to a 10 block range' } }], [400], [413]])(
    'that takes ten blocks a request (%j): what it takes is remembered',
    async (refusal) => {
      await watched.complete('a');
      await watched.follow();
      watched.node.meddle = ({ method, params }) =>
        method === 'eth_getLogs' && blocksOf(params) > 10 ? refusal : undefined;
      await watched.mine(30);
      await watched.revoke('a');
      watched.asked();
      await watched.follow();
      await watched.follow();
      expect(await watched.told()).toEqual([watched.idOf('a')]);
      expect(await watched.cursor()).toMatchObject({ next: (await watched.head()) + 1 });
      watched.asked();
      await watched.follow();
      const refused = watched.asked().ranges.filter((range) => lengthOf(range) > 10);
      expect(refused.length).toBeLessThanOrEqual(1);
    },
  );

  test('that is away, or lacks the state, moves no cursor; nothing is missed', async () => {
    await watched.complete('a');
    await watched.follow();
    await watched.revoke('a');
    const before = (await watched.cursor()).next;
    const failures = [
      ({ method }: { method: string }) => (method === 'eth_getLogs' ? 503 : undefined),
      ({ method }: { method: string }) => (method === 'eth_call' ? 503 : undefined),
      ({ method }: { method: string }) => (method === 'eth_call' ? { result: '0x' } : undefined),
      ({ method }: { method: string }) => (method === 'eth_blockNumber' ? 429 : undefined),
    ];
    for (const meddle of failures) {
      watched.node.meddle = meddle;
      await expect(watched.follow()).rejects.toThrow('the chain could not be read');
      expect((await watched.cursor()).next).toBe(before);
      expect(await watched.told()).toEqual([]);
    }
    watched.node.meddle = () => undefined;
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('a')]);
  });

  test('whose state is behind its log: the second reading of the block notices', async () => {
    await watched.complete('a');
    await watched.follow();
    await watched.revoke('a');
    watched.node.meddle = ({ method }) => (method === 'eth_call' ? { result: `0x${'00'.repeat(32)}` } : undefined);
    // Of a record that is known it is asked for the status alone, which is that of before.
    const known = { chainId: hardhat.id, registry: watched.registry, record: watched.idOf('a'), status: 'unknown' };
    await watched.index.prepare('UPDATE anchors SET anchor = ?1').bind(JSON.stringify(known)).run();
    expect(await watched.follow()).toBe(1);
    expect(await watched.cursor()).toMatchObject({ next: (await watched.head()) + 1 });
    expect(await watched.told()).toEqual([]);
    watched.node.meddle = () => undefined;
    expect(await watched.follow()).toBe(1);
    expect(await watched.told()).toEqual([watched.idOf('a')]);
  });

  test('that answers more than fits is asked for less', async () => {
    await watched.complete('a');
    await watched.follow();
    await watched.revoke('a');
    watched.node.meddle = ({ method, params }) =>
      method === 'eth_getLogs' && blocksOf(params) > 50 ? { result: ['x'.repeat(9 * 2 ** 20)] } : undefined;
    await watched.follow();
    expect(await watched.told()).toEqual([watched.idOf('a')]);
  });
});
