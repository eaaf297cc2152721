/** How much is taken in at a time. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { encodeStatement } from '../../protocol/statement.ts';
import { BOUNDS, Places, places, type Need } from '../../worker/limits/places.ts';
import { inTurn } from '../../worker/limits/turn.ts';
import { Problem } from '../../worker/problems.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { root, SAMPLE_STATEMENT } from '../support/statements.ts';
import { ask, get, newAddress, problemIn } from './client.ts';

const MB = 2 ** 20;
const SMALL: Need = { bytes: 1000, memory: 0, milliseconds: 0 };
const someone = (i: number, keyed = false) => ({ name: `${keyed ? 'key' : 'net'}:${i}`, keyed });

function refusal(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('nothing was refused');
}

function fits(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

describe('places', () => {
  test('are bounded for one client', () => {
    const door = new Places();
    const taken = Array.from({ length: BOUNDS.ofOne }, () => door.take(someone(1), SMALL, 60));
    const problem = refusal(() => door.take(someone(1), SMALL, 60));
    expect(problem).toMatchObject({ status: 503, details: { code: 'BUSY', headers: { 'retry-after': '1' } } });
    door.take(someone(2), SMALL, 60);
    taken[0].leave();
    door.take(someone(1), SMALL, 60);
  });

  test('are kept for holders of keys', () => {
    const door = new Places();
    for (let i = 0; i < BOUNDS.withoutKey; i++) door.take(someone(i), SMALL, 60);
    expect(refusal(() => door.take(someone(1000), SMALL, 60)).details.code).toBe('BUSY');
    for (let i = BOUNDS.withoutKey; i < BOUNDS.places; i++) door.take(someone(i, true), SMALL, 60);
    expect(refusal(() => door.take(someone(1000, true), SMALL, 60)).details.code).toBe('BUSY');
    expect(door.taken).toBe(BOUNDS.places);
  });

  test('are bounded by bodies and the largest verification', () => {
    const door = new Places();
    door.take(someone(1), { bytes: 8 * MB, memory: 60 * MB, milliseconds: 1 }, 60);
    door.take(someone(2), { bytes: 8 * MB, memory: 80 * MB, milliseconds: 1 }, 60);
    expect(refusal(() => door.take(someone(3), { bytes: 9 * MB, memory: 1, milliseconds: 1 }, 60)).details.code).toBe(
      'BUSY',
    );
    expect(refusal(() => door.take(someone(3), { bytes: MB, memory: 90 * MB, milliseconds: 1 }, 60)).details.code).toBe(
      'BUSY',
    );
    door.take(someone(3), { bytes: 8 * MB, memory: 80 * MB, milliseconds: 1 }, 60);
  });

  test('are bounded by the time of those that wait, told to whoever is refused; one always fits', () => {
    const door = new Places();
    const long = { bytes: 1, memory: 1, milliseconds: 2 * BOUNDS.milliseconds };
    const first = door.take(someone(1), long, 60);
    const problem = refusal(() => door.take(someone(2), { ...long, milliseconds: 1 }, 60));
    expect(problem.details.headers).toEqual({ 'retry-after': '60' });
    first.leave();
    door.take(someone(2), { ...long, milliseconds: 10_000 }, 60);
    door.take(someone(3), { ...long, milliseconds: 10_000 }, 60);
    expect(refusal(() => door.take(someone(4, true), { ...long, milliseconds: 10_001 }, 60)).details.headers).toEqual({
      'retry-after': '21',
    });
    door.take(someone(4, true), { ...long, milliseconds: 10_000 }, 60);
  });

  test('leave bytes and time to others than one client, and to holders of keys', () => {
    for (const need of [
      { bytes: 12 * MB, memory: 0, milliseconds: 0 },
      { bytes: 1, memory: 0, milliseconds: 4_000 },
    ]) {
      const door = new Places();
      const fill = (i: number): number => {
        for (let n = 0; ; n++) if (!fits(() => door.take(someone(i), need, 60))) return n;
      };
      const counts = [1, 2, 3, 4].map(fill);
      expect(counts[0]).toBeLessThan(5);
      expect(counts[1]).toBeGreaterThan(0);
      expect(counts[3]).toBe(0);
      door.take(someone(1, true), need, 60);
    }
  });

  test('of bodies that are on their way hold no time and no memory, and are refused where there would be none', () => {
    const door = new Places();
    const need = { bytes: MB, memory: 60 * MB, milliseconds: 14_000 };
    const slow = [1, 2, 3, 4].map((i) => door.take(someone(i), SMALL, 60));
    slow.forEach((place) => place.await(need, 60));
    slow[0].grow(need, 60);
    expect(refusal(() => slow[1].grow(need, 60)).details.code).toBe('BUSY');
    expect(refusal(() => door.take(someone(5), SMALL, 60).await(need, 60)).details.code).toBe('BUSY');
    slow[0].leave();
    slow[1].grow(need, 60);
  });

  test('grow where there is room, and stay as they were where there is none', () => {
    const door = new Places();
    const place = door.take(someone(1), SMALL, 60);
    place.grow({ bytes: 8 * MB, memory: 90 * MB, milliseconds: 1 }, 60);
    const other = door.take(someone(2), SMALL, 60);
    expect(refusal(() => other.grow({ bytes: 8 * MB, memory: 1, milliseconds: 1 }, 60)).details.code).toBe('BUSY');
    expect(door.taken).toBe(2);
    place.leave();
    place.leave();
    other.grow({ bytes: 8 * MB, memory: 1, milliseconds: 1 }, 60);
    expect(door.taken).toBe(1);
  });

  test('expire with requests that were dropped', async () => {
    const door = new Places();
    for (let i = 0; i < BOUNDS.ofOne; i++) door.take(someone(1), SMALL, 0.01);
    await scheduler.wait(30);
    expect(door.taken).toBe(0);
    door.take(someone(1), SMALL, 60);
  });
});

describe('slow submissions', () => {
  const statement = encodeStatement(SAMPLE_STATEMENT);
  const head = Uint8Array.from(concat(ascii('zkLR'), u32(statement.length), statement));

  /** Submissions that send the front and then wait until they are let go. */
  function hang(count: number, headers: Record<string, string>) {
    const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
    const answers = Array.from({ length: count }, () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controllers.push(controller);
          controller.enqueue(head);
        },
      });
      return ask('/verify', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/octet-stream', ...headers },
      });
    });
    return { answers, letGo: () => controllers.forEach((controller) => controller.close()) };
  }

  async function untilTaken(count: number): Promise<void> {
    for (let i = 0; i < 500 && places.taken < count; i++) await scheduler.wait(10);
    expect(places.taken).toBe(count);
  }

  test('of one client take no more than its places; reads and others go on', async () => {
    const from = { 'cf-connecting-ip': newAddress() };
    const { answers, letGo } = hang(BOUNDS.ofOne, from);
    await untilTaken(BOUNDS.ofOne);
    const headers = { 'content-type': 'application/octet-stream', ...from };
    const refused = await ask('/verify', { method: 'POST', body: head, headers });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await problemIn(refused)).toMatchObject({ status: 503, code: 'BUSY' });
    expect((await get('/healthz')).status).toBe(200);
    const other = await ask('/verify', {
      method: 'POST',
      body: head,
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect((await problemIn(other)).code).toBe('PROOF_SIZE');
    letGo();
    for (const answer of answers) expect((await problemIn(await answer)).code).toBe('PROOF_SIZE');
    expect(places.taken).toBe(0);
  });

  test('without keys leave room for those with one', async () => {
    const groups = Array.from({ length: BOUNDS.withoutKey / BOUNDS.ofOne }, () =>
      hang(BOUNDS.ofOne, { 'cf-connecting-ip': newAddress() }),
    );
    await untilTaken(BOUNDS.withoutKey);
    const headers = { 'content-type': 'application/octet-stream' };
    const stranger = await ask('/verify', { method: 'POST', body: head, headers });
    expect((await problemIn(stranger)).code).toBe('BUSY');
    const { text } = await new KeyStore(env).create('of the tests', 1);
    const known = { ...headers, authorization: `Bearer ${text}` };
    expect((await problemIn(await ask('/verify', { method: 'POST', body: head, headers: known }))).code).toBe(
      'PROOF_SIZE',
    );
    groups.forEach(({ letGo }) => letGo());
    await Promise.all(groups.flatMap(({ answers }) => answers));
    expect(places.taken).toBe(0);
  });
});

describe('turns', () => {
  test('look-ups are answered between verifications that wait', async () => {
    const order: string[] = [];
    const compute = (name: string) =>
      inTurn(() => {
        for (const until = performance.now() + 30; performance.now() < until;) Math.sqrt(2);
        order.push(name);
      });
    const look = async (): Promise<void> => {
      await get(`/adapters/${root(1)}`);
      order.push('look-up');
    };
    await Promise.all([compute('a'), compute('b'), compute('c'), compute('d'), look(), look(), look()]);
    expect(order.slice(0, 3)).toEqual(['look-up', 'look-up', 'look-up']);
    expect(order.slice(3).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('one that fails does not keep the next one', async () => {
    await expect(
      inTurn(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await inTurn(() => 5)).toBe(5);
  });
});
