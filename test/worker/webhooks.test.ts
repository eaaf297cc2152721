import { env } from 'cloudflare:workers';
import { Webhook as Verifier } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';

import { eventType } from '../../api/operation.ts';
import { publicHttps, WebhookUrlError } from '../../worker/events/address.ts';
import { bodyOf, deliver, PUBLIC_WIRE, type Wire } from '../../worker/events/deliver.ts';
import { runCompleteEvent } from '../../worker/events/event.ts';
import { subscriberSecret, webhookSecret } from '../../worker/events/signature.ts';
import { SettingError } from '../../worker/env.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { ask, problemIn, withoutKey } from './client.ts';
import { notesOf } from './outbound.ts';

const AT = 1_790_000_000;
const SECRET = 'a secret of the tests that is long enough';
const bindings = { ...withoutKey, WEBHOOK_SECRET: SECRET };

const event = runCompleteEvent({
  ...{ runId: 'a1'.repeat(32), verifier: 'b2'.repeat(32), adapterRoot: 'c3'.repeat(32), runDigest: 'd4'.repeat(32) },
  ...{ record: `0x${'e5'.repeat(32)}`, completedAt: AT },
});
const now = (): number => Math.floor(Date.now() / 1000);

describe('where a webhook may point', () => {
  test.each([
    ['https://hooks.example.com/zklora?x=1', 'https://hooks.example.com/zklora?x=1'],
    ['https://hooks.example.com:443/', 'https://hooks.example.com/'],
    ['https://hooks.example.com:8443/a', 'https://hooks.example.com:8443/a'],
    ['HTTPS://Hooks.Example.COM/A#part', 'https://hooks.example.com/A'],
    ['https://münchen.example.com/', 'https://xn--mnchen-3ya.example.com/'],
    // A name like another, but public.
    ['https://localhost.example.com/', 'https://localhost.example.com/'],
    ['https://mylocal.com/', 'https://mylocal.com/'],
  ])('%s is public', (url, href) => {
    expect(publicHttps(url).href).toBe(href);
  });

  const address = (name: string) => `https://${name}/hook`;
  test.each(
    [
      // Loopback in every spelling that the URL standard knows.
      ...[
        '127.0.0.1',
        '127.1',
        '127.0.1',
        '2130706433',
        '0x7f000001',
        '0x7f.1',
        '0177.0.0.1',
        '017700000001',
        '127.0.0.1.',
      ],
      ...[
        '0x7F.0x0.0x0.0x1',
        '1２7.0.0.1',
        '①②⑦.⓪.⓪.①',
        '127。0。0。1',
        '%31%32%37.0.0.1',
        '0',
        '0.0.0.0',
        '0x0',
        '127.255.255.254',
      ],
      // Private, link-local with the metadata of clouds, CGNAT, benchmarks, multicast, reserved, broadcast; public, too.
      ...[
        '10.0.0.1',
        '10.1',
        '167772161',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
        '0300.0250.1.1',
        '169.254.169.254',
      ],
      ...[
        '2852039166',
        '0xA9FEA9FE',
        '100.64.0.1',
        '198.18.0.1',
        '192.0.0.1',
        '224.0.0.1',
        '239.255.255.250',
        '240.0.0.1',
      ],
      ...['255.255.255.255', '4294967295', '1.1.1.1'],
      // IPv6: loopback, any, mapped, compatible, NAT64, 6to4, unique local, link-local, multicast.
      ...[
        '[::1]',
        '[0:0:0:0:0:0:0:1]',
        '[::]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[::127.0.0.1]',
        '[64:ff9b::7f00:1]',
      ],
      ...[
        '[2002:7f00:1::]',
        '[fc00::1]',
        '[fd12:3456::1]',
        '[fe80::1]',
        '[fec0::1]',
        '[ff02::1]',
        '[2606:4700:4700::1111]',
      ],
      // Names that are somebody near.
      ...[
        'localhost',
        'LOCALHOST',
        'localhost.',
        'localhost..',
        'a..localhost.example..',
        'a.localhost',
        'ⓛocalhost',
        'printer.local',
        'printer.local.',
        'db.internal',
      ],
      ...[
        'metadata.google.internal',
        'router.lan',
        'nas.home.arpa',
        'wiki.corp',
        'x.test',
        'x.invalid',
        'x.onion',
        'intranet',
      ],
      ...['kubernetes.default.svc.cluster.local', '1.0.0.127.in-addr.arpa'],
    ].map(address),
  )('%s is not', (url) => {
    expect(() => publicHttps(url)).toThrow(WebhookUrlError);
  });

  test.each([
    ['http://hooks.example.com/', 'https'],
    ['ftp://hooks.example.com/', 'https'],
    ['javascript:alert(1)', 'https'],
    ['file:///etc/passwd', 'https'],
    ['https://user@hooks.example.com/', 'credentials'],
    ['https://user:pass@hooks.example.com/', 'credentials'],
    ['https://hooks.example.com@127.0.0.1/', 'credentials'],
    ['https://127.0.0.1\\@hooks.example.com/', 'address'],
    ['https://hooks.example.com:22/', 'port 22'],
    ['https://hooks.example.com:80/', 'port 80'],
    ['https://hooks.example.com:6379/', 'port 6379'],
    ['https://', 'is none'],
    ['hooks.example.com', 'is none'],
    [`https://hooks.example.com/${'a'.repeat(2_000)}`, 'longer'],
    ['https://[::1', 'is none'],
    ['https://1.2.3.4.5/', 'is none'],
  ])('%s neither: %s', (url, why) => {
    expect(() => publicHttps(url)).toThrow(why);
  });
});

describe('a delivery', () => {
  const send = (path: string, name: string, wire?: Wire) =>
    deliver(event, { id: 'wh1', url: `https://${name}.hooks.example.com/${path}` }, SECRET, now(), wire);

  test('is signed as Standard Webhooks says', async () => {
    expect(await send('status/204', 'signed')).toEqual({ outcome: 'delivered' });
    const [note] = await notesOf('signed');
    expect(note).toMatchObject({ method: 'POST', body: bodyOf(event) });
    expect(note.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': event.id });
    const verifier = new Verifier(await subscriberSecret(SECRET, 'wh1'));
    expect(verifier.verify(note.body, note.headers)).toEqual({
      type: 'run.complete',
      timestamp: '2026-09-21T14:13:20.000Z',
      data: event.data,
    });
    // Neither another body, id or time, nor another webhook's secret.
    expect(() => verifier.verify(`${note.body} `, note.headers)).toThrow();
    expect(() => verifier.verify(note.body, { ...note.headers, 'webhook-id': 'evt_other' })).toThrow();
    const later = { ...note.headers, 'webhook-timestamp': String(Number(note.headers['webhook-timestamp']) + 1) };
    expect(() => verifier.verify(note.body, later)).toThrow();
    const others = new Verifier(await subscriberSecret(SECRET, 'wh2'));
    expect(() => others.verify(note.body, note.headers)).toThrow();
  });

  test.each([
    ['status/200', { outcome: 'delivered' }],
    ['status/410', { outcome: 'gone' }],
    ['status/400', { outcome: 'failed', why: 'status 400' }],
    ['status/500', { outcome: 'failed', why: 'status 500' }],
  ])('%s: %o', async (path, outcome) => {
    expect(await send(path, 'statuses')).toEqual(outcome);
  });

  test('follows no redirect', async () => {
    expect(await send('redirect/inside', 'redirects')).toEqual({ outcome: 'failed', why: 'status 302' });
    expect(await notesOf('inside')).toEqual([]);
  });

  test('waits for nobody for ever', async () => {
    const hasty: Wire = {
      ...PUBLIC_WIRE,
      fetch: (url, init) => {
        expect(init.signal).toBeInstanceOf(AbortSignal);
        return fetch(url, { ...init, signal: AbortSignal.timeout(50) });
      },
    };
    expect(await send('slow', 'sleepers', hasty)).toEqual({ outcome: 'failed', why: 'TimeoutError' });
  });

  test('checks the URL again: what was stored by other rules is not fetched', async () => {
    const calls: string[] = [];
    const wire: Wire = { ...PUBLIC_WIRE, fetch: async (url) => (calls.push(url), new Response()) };
    const webhook = { id: 'wh1', url: 'https://169.254.169.254/latest/meta-data' };
    expect(await deliver(event, webhook, SECRET, AT, wire)).toMatchObject({ outcome: 'refused' });
    expect(calls).toEqual([]);
  });

  test('does not read what the subscriber says', async () => {
    let [read, cancelled] = [0, false];
    const endless = new ReadableStream({
      pull: (c) => (read++, c.enqueue(new Uint8Array(65_536))),
      cancel: () => void (cancelled = true),
    });
    const wire: Wire = { ...PUBLIC_WIRE, fetch: async () => new Response(endless) };
    expect(await send('', 'endless', wire)).toEqual({ outcome: 'delivered' });
    expect(cancelled).toBe(true);
    expect(read).toBeLessThan(3);
  });
});

describe('the secret', () => {
  test('is each webhook’s own, and the same every time', async () => {
    const secrets = await Promise.all(['wh1', 'wh2', 'wh1'].map((id) => subscriberSecret(SECRET, id)));
    expect(secrets[0]).toBe(secrets[2]);
    expect(secrets[0]).not.toBe(secrets[1]);
    expect(secrets[0]).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await subscriberSecret(`${SECRET}!`, 'wh1')).not.toBe(secrets[0]);
  });

  test('a worker’s secret that is short is an error, which does not tell it', () => {
    expect(webhookSecret({})).toBeNull();
    expect(webhookSecret({ WEBHOOK_SECRET: '' })).toBeNull();
    const short = { WEBHOOK_SECRET: 'hunter2'.repeat(4) };
    expect(() => webhookSecret(short)).toThrow(SettingError);
    expect(() => webhookSecret(short)).not.toThrow(/hunter2/);
  });
});

describe('the routes of webhooks', () => {
  let [mine, theirs] = ['', ''];
  beforeAll(async () => {
    mine = (await new KeyStore(env).create('mine', AT)).text;
    theirs = (await new KeyStore(env).create('theirs', AT)).text;
  });
  const request = (key: string, method = 'GET', id = '', body?: object, to = bindings) =>
    ask(
      `/webhooks${id === '' ? '' : `/${id}`}`,
      {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      },
      to,
    );
  const create = (key: string, url = 'https://a.hooks.example.com/', to = bindings) =>
    request(key, 'POST', '', { url, events: ['run.complete', 'run.complete'] }, to);
  const list = async (key: string) => (await (await request(key)).json<{ webhooks: { id: string }[] }>()).webhooks;

  test('create, list and remove; the secret is told once', async () => {
    const response = await create(mine);
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { secret, ...webhook } = await response.json<{ id: string; secret: string; events: string[] }>();
    expect(secret).toBe(await subscriberSecret(SECRET, webhook.id));
    expect(webhook).toMatchObject({ url: 'https://a.hooks.example.com/', events: ['run.complete'], removedAt: null });
    expect(await list(mine)).toEqual([webhook]);

    // Another key neither sees nor removes it.
    expect(await list(theirs)).toEqual([]);
    expect((await problemIn(await request(theirs, 'DELETE', webhook.id))).code).toBe('NOT_FOUND');
    expect(await list(mine)).toEqual([webhook]);

    const removed = await (await request(mine, 'DELETE', webhook.id)).json<{ removedAt: number }>();
    expect(removed.removedAt).toBeGreaterThan(AT);
    expect(await (await request(mine, 'DELETE', webhook.id)).json()).toEqual(removed);
    expect(await list(mine)).toEqual([]);
  });

  test('may be told of every event that there is', async () => {
    const events = eventType.options;
    const response = await request(mine, 'POST', '', { url: 'https://a.hooks.example.com/', events });
    expect(response.status).toBe(201);
    const { id, events: kept } = await response.json<{ id: string; events: string[] }>();
    expect(kept.toSorted()).toEqual(events.toSorted());
    await request(mine, 'DELETE', id);
  });

  test('refuse what is no public https, with the reason', async () => {
    for (const url of [
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://[::1]/',
      'https://localhost/',
      'https://a.example.com:22/',
    ]) {
      const problem = await problemIn(await create(mine, url));
      expect(['WEBHOOK_URL', 'BODY']).toContain(problem.code);
      expect(problem).toMatchObject({ status: 400, check: 'url' });
    }
    const insecure = await problemIn(await create(mine, 'http://a.example.com/'));
    expect(insecure).toMatchObject({ code: 'BODY', detail: 'url: expected an https URL.' });
    expect(await list(mine)).toEqual([]);
  });

  test('refuse events that there are not, and fields that there are not', async () => {
    const url = 'https://a.hooks.example.com/';
    for (const body of [
      { url, events: [] },
      { url, events: ['run.started'] },
      { url },
      { url, events: ['run.complete'], secret: 'x' },
    ])
      expect((await problemIn(await request(mine, 'POST', '', body))).code).toBe('BODY');
  });

  test('need a key', async () => {
    expect((await problemIn(await ask('/webhooks', {}, bindings))).code).toBe('KEY_REQUIRED');
    expect((await problemIn(await create('zkl_no'))).code).toBe('KEY_UNKNOWN');
  });

  test('are closed without a secret of the worker’s', async () => {
    expect((await problemIn(await create(mine, undefined, { ...withoutKey, WEBHOOK_SECRET: '' }))).code).toBe(
      'WEBHOOKS_CLOSED',
    );
    const short = await create(mine, undefined, { ...withoutKey, WEBHOOK_SECRET: 'short' });
    expect((await problemIn(short)).code).toBe('WORKER_SETTING');
  });

  test('a key has ten at most', async () => {
    for (let i = 0; i < 10; i++) expect((await create(theirs)).status).toBe(201);
    expect(await problemIn(await create(theirs))).toMatchObject({ status: 409, code: 'WEBHOOK_LIMIT' });
    const [{ id }] = await list(theirs);
    await request(theirs, 'DELETE', id);
    expect((await create(theirs)).status).toBe(201);
  });
});
