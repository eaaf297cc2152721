/** GET /: look-ups by every kind of id, and what is not known. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';

import { app } from '../../worker/app.ts';
import { Store } from '../../worker/store/store.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { ask, get, withKey } from './client.ts';
import { sample, sampleSegment } from './records.ts';

const whole = [sampleSegment(0, 4), sampleSegment(4, 4)].map((segment, i) => sample({ segment, receivedAt: 100 + i }));
const partial = { ...SAMPLE_RUN, nonce: root(2) };
const part = sample({ run: partial, segment: { ...sampleSegment(0, 4), adapterOut: root(0x77) } });
const file = { file: root(0xf1), tensors: root(0xf2), adapterRoot: root(0x18), shownAt: 200 };

beforeAll(async () => {
  const store = new Store(env);
  for (const { bytes, record } of [...whole, part]) await store.accept(bytes, record);
  await store.showFile({ ...file, runId: whole[0].record.runId });
});

async function page(query: string): Promise<{ status: number; html: string; heading: string }> {
  const response = await get(`/?q=${encodeURIComponent(query)}`);
  const html = await response.text();
  return { status: response.status, html, heading: /<h1[^>]*>([^<]*)/.exec(html)![1] };
}

describe('GET /', () => {
  test('without a look-up', async () => {
    const response = await get('/');
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Where does this adapter come from?');
  });

  test('lets a page load from this service alone, and run nothing from its HTML', async () => {
    for (const path of ['/', `/?q=${root(0x18)}`, `/?q=${root(9)}`, '/?q=nonsense']) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    }
  });

  test('names the description of the service for machines', async () => {
    expect((await get('/')).headers.get('link')).toContain('</openapi.json>; rel="service-desc"');
  });

  test('is not sent again to whoever has it', async () => {
    const etag = (await get(`/?q=${root(0x18)}`)).headers.get('etag')!;
    const again = await get(`/?q=${root(0x18)}`, withKey, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('HEAD, and nothing else', async () => {
    expect((await ask('/', { method: 'HEAD' })).status).toBe(200);
    expect((await ask('/', { method: 'POST' })).status).toBe(405);
  });
});

describe('look-ups', () => {
  test.each([
    ['an adapter root', root(0x18), 'This adapter came out of the declared training run'],
    ['a file', root(0xf1), 'This adapter came out of the declared training run'],
    ['the tensors of a file', root(0xf2), 'This adapter came out of the declared training run'],
    [
      'a root with 0x and capitals',
      `0x${root(0x18).toUpperCase()}`,
      'This adapter came out of the declared training run',
    ],
    ['a run', whole[0].record.runId, 'This training run is complete'],
    ['a run that is not complete', part.record.runId, 'This training run is not complete'],
    ['a proof', whole[1].record.proofDigest, 'This proof holds'],
    ['an adapter of a run that is not complete', root(0x77), 'This adapter is not verified'],
    ['an adapter in the middle of a run', root(0x14), 'This is not the result of its run'],
  ])('%s', async (_, query, heading) => {
    expect(await page(query)).toMatchObject({ status: 200, heading });
  });

  test('the page of an adapter has its losses, its proofs and its badge', async () => {
    const { html } = await page(root(0x18));
    expect(html).toContain('<svg class="curve"');
    for (const { record } of whole) expect(html).toContain(`/proofs/${record.proofDigest}/raw`);
    expect(html).toContain(`(http://worker.test/badge/${root(0x18)}.svg)`);
    expect(html).toContain(`data-id="${whole[0].record.runId}"`);
  });

  test('what is not known: 404, and what to do', async () => {
    const { status, heading, html } = await page(root(9));
    expect({ status, heading }).toEqual({ status: 404, heading: 'Nothing is known here by this id' });
    expect(html).toContain('What you can do');
  });

  test('what is no id: 400, and it stays text', async () => {
    const { status, html } = await page('"><script>alert(1)</script>');
    expect(status).toBe(400);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toContain('<script>alert');
  });

  test('a very long text is cut', async () => {
    const { status, html } = await page('x'.repeat(5000));
    expect(status).toBe(400);
    expect(html).not.toContain('x'.repeat(100));
  });

  test('a failure is a page too, and tells nothing of the inside', async () => {
    const INDEX = {
      prepare() {
        throw new Error('a secret of the inside');
      },
    } as unknown as D1Database;
    const response = await app.request(`http://worker.test/?q=${root(0x18)}`, {}, { ...withKey, INDEX });
    expect(response.status).toBe(500);
    const html = await response.text();
    expect(html).toContain('That could not be answered');
    expect(html).not.toContain('secret');
  });
});
