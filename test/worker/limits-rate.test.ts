import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';

import { networkOf } from '../../worker/limits/client.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { root } from '../support/statements.ts';
import { ask, newAddress, problemIn, withKey } from './client.ts';

/** Requests a minute of one address, in wrangler.toml. */
const LIMIT = 30;

const OPERATOR_KEY = 'the-operator-of-the-tests-has-this-key';
// A few are quicker to send than the hundreds that keys and look-ups may.
const bindings = { ...withKey, OPERATOR_KEY, KEY_LIMIT: env.ADDRESS_LIMIT, LOOKUP_LIMIT: env.ADDRESS_LIMIT };
const BYTES = { 'content-type': 'application/octet-stream' };

/** The local runtime counts from minute to minute of the clock: none may end within a test. */
beforeEach(async () => {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 15_000) await scheduler.wait(left);
});

interface Call {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: BodyInit;
}

const write: Call = { path: '/verify', headers: BYTES, body: 'no proof' };
const lookup: Call = {
  path: '/adapters/lookup',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ids: [root(1)] }),
};

/** Statuses of so many calls with more headers, counted. */
async function statuses(call: Call, times: number, headers: Record<string, string>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let i = 0; i < times; i++) {
    const init = { method: 'POST', body: call.body, headers: { ...call.headers, ...headers } };
    const { status } = await ask(call.path, init, bindings);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

async function refusal(call: Call, headers: Record<string, string>) {
  const init = { method: 'POST', body: call.body, headers: { ...call.headers, ...headers } };
  const response = await ask(call.path, init, bindings);
  return { retry: response.headers.get('retry-after'), problem: await problemIn(response) };
}

describe('too many requests', () => {
  test('submissions of one address', async () => {
    const from = { 'cf-connecting-ip': newAddress() };
    expect(await statuses(write, LIMIT, from)).toEqual({ 400: LIMIT });
    const { retry, problem } = await refusal(write, from);
    expect(problem).toMatchObject({ status: 429, code: 'RATE' });
    expect(retry).toBe('60');
    // Others go on, and so do this address's look-ups.
    expect(await statuses(write, 1, { 'cf-connecting-ip': newAddress() })).toEqual({ 400: 1 });
    expect(await statuses(lookup, 1, from)).toEqual({ 200: 1 });
  });

  test('submissions of an IPv6 network, whatever address in it', async () => {
    const from = (i: number): Record<string, string> => ({
      'cf-connecting-ip': `2001:db8:7:${i & 1}::${i.toString(16)}`,
    });
    for (let i = 0; i < 2 * LIMIT; i++) expect(await statuses(write, 1, from(i))).toEqual({ 400: 1 });
    expect((await refusal(write, from(1000))).problem.code).toBe('RATE');
    expect((await refusal(write, from(1001))).problem.code).toBe('RATE');
    expect(await statuses(write, 1, { 'cf-connecting-ip': '2001:db8:7:2::1' })).toEqual({ 400: 1 });
  });

  test('showing files and submitting count together', async () => {
    const from = { 'cf-connecting-ip': newAddress() };
    const show = { ...write, path: `/runs/${root(1)}/files` };
    expect(await statuses(show, LIMIT / 2, from)).toEqual({ 404: LIMIT / 2 });
    expect(await statuses(write, LIMIT / 2, from)).toEqual({ 400: LIMIT / 2 });
    expect((await refusal(show, from)).problem.code).toBe('RATE');
  });

  test('requests without an address share one count', async () => {
    const from = { 'cf-connecting-ip': '' };
    const counts = await statuses(write, LIMIT + 1, from);
    expect(counts).toEqual({ 400: LIMIT, 429: 1 });
  });

  test('an API key has a count of its own, whatever address it comes from', async () => {
    const { text } = await new KeyStore(env).create('of the tests', 1);
    const address = newAddress();
    const from = { 'cf-connecting-ip': address };
    await statuses(write, LIMIT, from);
    expect((await refusal(write, from)).problem.code).toBe('RATE');
    expect(await statuses(write, LIMIT, { ...from, authorization: `Bearer ${text}` })).toEqual({ 400: LIMIT });
    const { retry, problem } = await refusal(write, { authorization: `Bearer ${text}` });
    expect(problem).toMatchObject({ status: 429, code: 'RATE' });
    expect(problem.detail).toContain('API key');
    expect(retry).toBe('60');
  });

  test('look-ups', async () => {
    const from = { 'cf-connecting-ip': newAddress() };
    expect(await statuses(lookup, LIMIT + 1, from)).toEqual({ 200: LIMIT, 429: 1 });
  });

  test.each([
    ['the operator', '/operator/keys', 'x'.repeat(40)],
    ['an API key', '/verify', `zkl_${'a'.repeat(60)}`],
  ])('guesses at the key of %s', async (_, path, key) => {
    const headers = { ...BYTES, 'cf-connecting-ip': newAddress(), authorization: `Bearer ${key}` };
    const call = { path, headers: path === '/verify' ? headers : { ...headers, ...lookup.headers }, body: lookup.body };
    const named = path === '/verify' ? call : { ...call, body: JSON.stringify({ name: 'x' }) };
    expect(await statuses(named, LIMIT + 1, {})).toEqual({ 401: LIMIT, 429: 1 });
  });

  test('the operator may ask as often as need be', async () => {
    const headers = { 'cf-connecting-ip': newAddress(), authorization: `Bearer ${OPERATOR_KEY}` };
    for (let i = 0; i < 2 * LIMIT; i++) {
      const response = await ask('/operator/keys', { headers }, bindings);
      expect(response.status).toBe(200);
    }
  });
});

describe('networks', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff:ffff:ffff:ffff', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000::', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['', 'nowhere'],
    ['not:an:address', 'not:an:address'],
    ['x'.repeat(500), 'x'.repeat(60)],
  ])('%s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
