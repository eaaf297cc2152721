import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Route } from '../../api/describe.ts';
import { ROUTES } from '../../api/routes.ts';
import { toHex } from '../../protocol/bytes.ts';
import { Store } from '../../worker/store/store.ts';
import { root } from '../support/statements.ts';
import { ask, get, problemIn, sendJson, withKey } from './client.ts';
import { sample, sampleSegment } from './records.ts';

const { bytes, record } = sample({ segment: sampleSegment(0, 8) });
const READS = [
  `/proofs/${record.proofDigest}`,
  `/proofs/${record.proofDigest}/raw`,
  `/runs/${record.runId}`,
  `/adapters/${root(0x18)}`,
  `/badge/${root(0x18)}.svg`,
  '/verifiers',
  '/openapi.json',
  '/docs',
];
const filled = (path: string): string =>
  path.replace('{sha256}', record.proofDigest).replace(/\{(id|digest)\}/, root(0x18));

beforeAll(async () => {
  await new Store(env).accept(bytes, record);
});

describe('a path that exists takes its methods alone', () => {
  const paths = [...Map.groupBy(Object.values(ROUTES) as Route[], ({ path }) => path)];

  test.each(paths)('%s', async (path, routes) => {
    const declared = routes.map(({ method }) => method.toUpperCase());
    const allowed = declared.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
      if (allowed.includes(method)) continue;
      const response = await ask(filled(path), { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe([...allowed, 'OPTIONS'].join(', '));
      if (method !== 'HEAD') expect(await problemIn(response)).toMatchObject({ code: 'METHOD' });
    }
  });

  test('/adapters/lookup is no adapter', async () => {
    const response = await get('/adapters/lookup');
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    expect(await problemIn(response)).toMatchObject({ status: 405, code: 'METHOD' });
  });
});

describe('a path that does not exist', () => {
  test.each([
    '/nothing',
    '/verify/',
    '/proofs',
    `/proofs/${root(1)}/raw/`,
    `/proofs/${root(1)}/`,
    `//verify`,
    '/badge/x.png',
    '/operator',
    '/.well-known/x',
  ])('%s', async (path) => {
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
      const response = await ask(path, { method });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await problemIn(response)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  test('is told in a bounded length', async () => {
    expect((await problemIn(await get(`/${'x'.repeat(5000)}`))).detail.length).toBeLessThan(300);
  });
});

describe('reads', () => {
  test.each(READS)('%s has a strong ETag, and gives nothing to whoever has it', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    const etag = response.headers.get('etag')!;
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=[1-9]/);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toBe('etag,location,retry-after');
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await get(path, withKey, { headers: { 'if-none-match': tag } });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
      for (const name of ['etag', 'cache-control', 'access-control-allow-origin'])
        expect(again.headers.get(name)).toBe(response.headers.get(name));
    }
    const other = await get(path, withKey, { headers: { 'if-none-match': `"${root(0)}"` } });
    expect(other.status).toBe(200);
    await other.body?.cancel();
  });

  test.each(READS)('HEAD %s', async (path) => {
    const whole = await get(path);
    await whole.body?.cancel();
    const head = await ask(path, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    for (const name of ['etag', 'content-type', 'cache-control'])
      expect(head.headers.get(name)).toBe(whole.headers.get(name));
  });

  test('the ETag is the body’s SHA-256', async () => {
    const response = await get('/verifiers');
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
    expect(response.headers.get('etag')).toBe(`"${toHex(digest)}"`);
  });

  test('a refusal has no ETag and is not kept', async () => {
    const response = await get(`/runs/${root(9)}`, withKey, { headers: { 'if-none-match': '*' } });
    expect(response.headers.has('etag')).toBe(false);
    expect(await problemIn(response)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  test('health is not kept', async () => {
    const response = await get('/healthz');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ ok: true });
  });
});

describe('pages of other origins', () => {
  const preflight = (path: string, method: string) =>
    ask(path, { method: 'OPTIONS', headers: { origin: 'https://a.test', 'access-control-request-method': method } });

  test.each([...READS, `/jobs/x`])('may read %s', async (path) => {
    const response = await preflight(path, 'GET');
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET,HEAD',
      'access-control-allow-headers': 'content-type,if-none-match',
      allow: 'GET, HEAD, OPTIONS',
    });
  });

  test('may look adapters up', async () => {
    const response = await preflight('/adapters/lookup', 'POST');
    expect(response.headers.get('access-control-allow-methods')).toBe('POST');
    const answer = await sendJson('/adapters/lookup', { ids: [root(0)] });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  test.each([
    '/verify',
    `/runs/${root(1)}/files`,
    '/operator/keys',
    '/operator/index',
    '/webhooks',
    `/operator/verifiers/${root(1)}/withdrawal`,
  ])('may not use %s', async (path) => {
    const response = await preflight(path, 'POST');
    expect(response.status).toBe(204);
    expect(response.headers.get('allow')).toContain('OPTIONS');
    for (const [name] of response.headers) expect(name).not.toMatch(/^access-control/);
    const answer = await ask(path, { method: 'POST', headers: { origin: 'https://a.test' }, body: 'x' });
    for (const [name] of answer.headers) expect(name).not.toMatch(/^access-control/);
  });
});

describe('bodies in JSON', () => {
  const path = '/adapters/lookup';

  test('of another type, or of none', async () => {
    for (const type of ['text/plain', 'application/jsonx', 'application/problem+json', 'text/json', '']) {
      const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
      const body = new TextEncoder().encode(JSON.stringify({ ids: [root(1)] }));
      const response = await ask(path, { method: 'POST', headers, body });
      expect(response.headers.get('accept')).toBe('application/json');
      expect(await problemIn(response)).toMatchObject({ status: 415, code: 'MEDIA_TYPE' });
    }
  });

  test('the type may have parameters', async () => {
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    const response = await ask(path, { method: 'POST', headers, body: JSON.stringify({ ids: [root(1)] }) });
    expect(response.status).toBe(200);
  });

  test('that are no JSON', async () => {
    for (const body of ['', '{', 'ids', '\u0000'])
      expect(await problemIn(await sendJson(path, body))).toMatchObject({ status: 400, code: 'BODY_JSON' });
  });

  test('that are too long, told or not', async () => {
    const long = JSON.stringify({ ids: [root(1)], x: 'y'.repeat(70_000) });
    expect(await problemIn(await sendJson(path, long))).toMatchObject({
      status: 413,
      code: 'BODY_TOO_LARGE',
      evidence: { limit: 65_536 },
    });
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(10_000).fill(0x20));
      },
    });
    const headers = { 'content-type': 'application/json' };
    const response = await ask(path, { method: 'POST', headers, body: endless });
    expect(await problemIn(response)).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
    expect(pulled).toBeLessThan(20);
  });

  test.each([
    [{}, 'ids'],
    [[], 'body'],
    [null, 'body'],
    [{ ids: [] }, 'ids'],
    [{ ids: root(1) }, 'ids'],
    [{ ids: [root(1), 'x'] }, 'ids.1'],
    [{ ids: [root(0xab).toUpperCase()] }, 'ids.0'],
    [{ ids: [root(1)], more: 1 }, 'body'],
    [{ ids: Array.from({ length: 101 }, () => root(1)) }, 'ids'],
  ])('of another shape: %j', async (body, check) => {
    expect(await problemIn(await sendJson(path, body))).toMatchObject({ status: 400, code: 'BODY', check });
  });

  test('a problem does not repeat what it was sent at length', async () => {
    const { detail, check } = await problemIn(await sendJson(path, { ids: [root(1)], ['x'.repeat(3000)]: 1 }));
    expect(detail.length + check!.length).toBeLessThan(500);
  });
});

describe('ids in paths', () => {
  const never = ['xyz', `0X${root(9)}`, root(0xab).toUpperCase(), root(1).slice(1), `${root(1)}0`, '%00', '..%2f..'];
  // Contracts write the ids of records with 0x.
  const prefixed = `0x${root(9)}`;
  test.each([
    ['/proofs/ID', [prefixed]],
    ['/proofs/ID/raw', [prefixed]],
    ['/runs/ID', [prefixed]],
    ['/adapters/ID', [`${prefixed}0`, `0x${prefixed}`]],
    ['/badge/ID.svg', [`${prefixed}0`, `0x${prefixed}`]],
  ])('%s', async (path, more) => {
    for (const id of [...never, ...more]) {
      const response = await get(path.replace('ID', id));
      expect(await problemIn(response)).toMatchObject({ status: 400, code: 'ID' });
    }
  });
});
