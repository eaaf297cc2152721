import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { ROUTES, type RouteName } from '../../api/routes.ts';
import type { Env } from '../../worker/env.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { currentVerifier } from '../../worker/version.ts';
import { ask, problemIn, withKey } from './client.ts';

const OPERATOR_KEY = 'operator-key-of-the-tests-0123456789';
const bindings: Env = { ...withKey, OPERATOR_KEY };
const DIGEST = 'a7'.repeat(32);

const request = (path: string, method: string, body?: unknown, key: string | null = OPERATOR_KEY, to = bindings) =>
  ask(
    path,
    {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    },
    to,
  );

/** A well-formed request of each operator's route. */
const REQUESTS: Partial<Record<RouteName, [string, string, unknown?]>> = {
  keys: ['/operator/keys', 'GET'],
  createKey: ['/operator/keys', 'POST', { name: 'market' }],
  revokeKey: ['/operator/keys/0123456789abcdef', 'DELETE'],
  withdrawVerifier: [`/operator/verifiers/${DIGEST}/withdrawal`, 'PUT', { reason: 'a hole' }],
  announceAttester: ['/operator/attesters', 'PUT', { address: `0x${'11'.repeat(20)}`, validFrom: 1, validUntil: null }],
  rebuildIndex: ['/operator/index?mode=check', 'POST'],
};
const every = Object.entries(REQUESTS) as [RouteName, [string, string, unknown?]][];

async function stateOf(): Promise<string> {
  const tables = ['keys', 'webhooks', 'verifiers', 'attesters', 'events'];
  const rows = await env.INDEX.batch(tables.map((table) => env.INDEX.prepare(`SELECT * FROM ${table}`)));
  const { objects } = await env.PROOFS.list();
  return JSON.stringify([rows.map(({ results }) => results), objects.map(({ key }) => key)]);
}

describe('the operator’s routes', () => {
  test('are all tested here', () => {
    const declared = Object.entries(ROUTES).filter(([, { path }]) => path.startsWith('/operator'));
    expect(every.map(([name]) => name).sort()).toEqual(declared.map(([name]) => name).sort());
  });

  test.each(every)(
    '%s: closed without the key, with another, with an API key, and where none is set',
    async (_, [path, method, body]) => {
      const { text } = await new KeyStore(env).create('ambitious', 1);
      const before = await stateOf();
      for (const key of [null, 'wrong', `${OPERATOR_KEY}x`, OPERATOR_KEY.slice(0, -1), text]) {
        const response = await request(path, method, body, key);
        expect(response.headers.get('www-authenticate')).toContain('Bearer');
        expect(await problemIn(response)).toMatchObject({ status: 401, code: 'OPERATOR_CLOSED' });
      }
      for (const none of [withKey, { ...withKey, OPERATOR_KEY: '' }])
        expect((await problemIn(await request(path, method, body, '', none))).code).toBe('OPERATOR_CLOSED');
      const short = await request(path, method, body, 'short', { ...withKey, OPERATOR_KEY: 'short' });
      expect((await problemIn(short)).code).toBe('WORKER_SETTING');
      expect(await stateOf()).toBe(before);
    },
  );

  test.each(every)('%s: offered to no other origin', async (_, [path, method, body]) => {
    const response = await request(path, method, body, null);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = await ask(
      path.split('?')[0],
      { method: 'OPTIONS', headers: { origin: 'https://evil.example.com' } },
      bindings,
    );
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(every.filter(([name]) => name !== 'rebuildIndex'))(
    '%s: is kept by no cache',
    async (_, [path, method, body]) => {
      expect((await request(path, method, body)).headers.get('cache-control')).toBe('no-store');
    },
  );
});

describe('keys', () => {
  test('create, list, revoke', async () => {
    const response = await request('/operator/keys', 'POST', { name: '  market  ' });
    expect(response.status).toBe(201);
    const { key, ...told } = await response.json<{ key: string; id: string }>();
    expect(told).toMatchObject({ name: 'market', revokedAt: null });
    const list = async () => (await request('/operator/keys', 'GET')).text();
    expect(await list()).toContain(told.id);
    expect(await list()).not.toContain(key);
    expect((await request('/operator/keys/' + told.id, 'DELETE')).status).toBe(200);
    expect(
      (await problemIn(await ask('/webhooks', { headers: { authorization: `Bearer ${key}` } }, bindings))).code,
    ).toBe('KEY_REVOKED');
    // Again: the same, with the first time.
    const [first, again] = [
      await request('/operator/keys/' + told.id, 'DELETE'),
      await request('/operator/keys/' + told.id, 'DELETE'),
    ];
    expect(await again.json()).toEqual(await first.json());
  });

  test.each([
    [{}],
    [{ name: '' }],
    [{ name: '   ' }],
    [{ name: 'x'.repeat(81) }],
    [{ name: 1 }],
    [{ name: 'a', admin: true }],
    [[]],
  ])('%j makes none', async (body) => {
    expect(await problemIn(await request('/operator/keys', 'POST', body))).toMatchObject({ status: 400, code: 'BODY' });
  });

  test('a body that is too long, or no JSON', async () => {
    expect((await problemIn(await request('/operator/keys', 'POST', { name: 'x'.repeat(70_000) }))).status).toBe(413);
    const init = { method: 'POST', headers: { authorization: `Bearer ${OPERATOR_KEY}` }, body: '{"name":"x"}' };
    expect((await problemIn(await ask('/operator/keys', init, bindings))).status).toBe(415);
  });

  test('one that there is not', async () => {
    expect((await problemIn(await request('/operator/keys/nosuchkey', 'DELETE'))).code).toBe('NOT_FOUND');
    expect((await problemIn(await request('/operator/keys/..%2fx', 'DELETE'))).status).toBe(400);
  });
});

describe('windows of attesting keys', () => {
  const LOWER = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
  const EXACT = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
  const announce = (window: object) => request('/operator/attesters', 'PUT', window);
  const now = Math.floor(Date.now() / 1000);

  test('are told with the address in ERC-55', async () => {
    const response = await announce({ address: LOWER, validFrom: now, validUntil: now + 1_000 });
    expect(await response.json()).toEqual({ address: EXACT, validFrom: now, validUntil: now + 1_000, signing: false });
  });

  test.each([
    [{ address: EXACT.replace('C51812', 'c51812'), validFrom: 1, validUntil: null }, 'address'],
    [{ address: EXACT, validFrom: 5, validUntil: 5 }, 'validUntil'],
    [{ address: EXACT, validFrom: 5, validUntil: 4 }, 'validUntil'],
    [{ address: EXACT, validFrom: -1, validUntil: null }, 'validFrom'],
    [{ address: EXACT, validFrom: 1.5, validUntil: null }, 'validFrom'],
    [{ address: '0x12', validFrom: 1, validUntil: null }, 'address'],
    [{ address: EXACT, validFrom: 1 }, 'validUntil'],
  ])('%j is refused', async (window, check) => {
    expect(await problemIn(await announce(window))).toMatchObject({ status: 400, code: 'BODY', check });
  });
});

test('the index is rebuilt page by page, and only by a cursor of its own', async () => {
  await new KeyStore(env).create('kept', 1);
  await env.INDEX.prepare('DELETE FROM keys').run();
  type Page = { cursor: string | null; written: number; differences: { key: string }[] };
  const walk = async (mode: string): Promise<Page[]> => {
    const pages: Page[] = [];
    do {
      const cursor = pages.at(-1)?.cursor ?? null;
      const query = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      pages.push(await (await request(`/operator/index?mode=${mode}${query}`, 'POST')).json<Page>());
    } while (pages.at(-1)!.cursor !== null);
    return pages;
  };
  const differences = (pages: Page[]) => pages.flatMap((page) => page.differences).length;
  expect(differences(await walk('check'))).toBeGreaterThan(0);
  expect((await walk('mend')).reduce((sum, { written }) => sum + written, 0)).toBeGreaterThan(0);
  expect(differences(await walk('check'))).toBe(0);
  expect((await problemIn(await request('/operator/index?cursor=x', 'POST'))).code).toBe('CURSOR');
  expect((await problemIn(await request('/operator/index?mode=wipe', 'POST'))).code).toBe('QUERY');
});

describe('a withdrawal', () => {
  const withdraw = (digest: string, body: object) => request(`/operator/verifiers/${digest}/withdrawal`, 'PUT', body);

  test('of an unknown version, or without a reason, is refused', async () => {
    expect((await problemIn(await withdraw(DIGEST, { reason: 'a hole' }))).code).toBe('NOT_FOUND');
    expect((await problemIn(await withdraw('A7'.repeat(32), { reason: 'a hole' }))).status).toBe(400);
    for (const body of [{}, { reason: '' }, { reason: '  ' }, { reason: 'x'.repeat(501) }, { reason: 'x', at: 0 }])
      expect((await problemIn(await withdraw(currentVerifier().digest, body))).code).toBe('BODY');
  });
});
