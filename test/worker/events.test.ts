import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { consume, RETRY_DELAYS } from '../../worker/events/consume.ts';
import { PUBLIC_WIRE, type Wire } from '../../worker/events/deliver.ts';
import {
  adapterRevokedEvent,
  insertEvent,
  NEWS_AGE,
  runCompleteEvent,
  verifierWithdrawnEvent,
  type EventType,
  type ServiceEvent,
} from '../../worker/events/event.ts';
import { sendEvents } from '../../worker/events/outbox.ts';
import worker from '../../worker/index.ts';
import { KeyStore } from '../../worker/store/keys.ts';
import { WebhookStore } from '../../worker/store/webhooks.ts';
import { sendJson, withKey } from './client.ts';
import { notesOf } from './outbound.ts';

const now = Math.floor(Date.now() / 1000);
const digest = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32);
const complete = (n: number, completedAt = now): ServiceEvent =>
  runCompleteEvent({
    ...{ runId: digest(n), verifier: digest(200), adapterRoot: digest(n), runDigest: digest(n) },
    ...{ record: `0x${digest(n)}`, completedAt },
  });

const insert = (event: ServiceEvent, at = now): Promise<D1Result> => insertEvent(env.INDEX, event, at).run();
const unsent = async (): Promise<number> =>
  (await env.INDEX.prepare('SELECT COUNT(*) AS n FROM events WHERE sent_at IS NULL').first<number>('n'))!;

/** A queue that notes what it is sent. */
function listening(fail = 0): { EVENTS: Queue; sent: unknown[] } {
  const sent: unknown[] = [];
  const sendBatch = async (messages: Iterable<{ body: unknown }>): Promise<void> => {
    if (fail-- > 0) throw new Error('the queue is away');
    sent.push(...[...messages].map(({ body }) => body));
  };
  return { EVENTS: { sendBatch } as unknown as Queue, sent };
}

let keyId: string;
beforeAll(async () => {
  keyId = (await new KeyStore(env).create('events', now)).key.id;
});
beforeEach(async () => {
  await env.INDEX.batch(['DELETE FROM events', 'DELETE FROM webhooks'].map((sql) => env.INDEX.prepare(sql)));
});

const subscribe = (path: string, events: EventType[] = ['run.complete']) =>
  new WebhookStore(env).create(keyId, `https://${path}`, events, now);

describe('events', () => {
  test('are one each, whoever tells how often', async () => {
    const ids = [
      complete(1).id,
      complete(1, now + 9).id,
      complete(2).id,
      verifierWithdrawnEvent(digest(1), { at: now, reason: 'a' }).id,
    ];
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
    const about = { runId: digest(1), adapterRoot: digest(1), record: `0x${digest(1)}`, chainId: 1, endedAt: now };
    const [lower, upper] = ['0x' + 'ab'.repeat(20), '0x' + 'AB'.repeat(20)].map((registry) =>
      adapterRevokedEvent({ ...about, registry }, now),
    );
    expect(lower.id).toBe(upper.id);
    // A revocation that comes again after a reorganisation undid it is news.
    const again = adapterRevokedEvent({ ...about, registry: '0x' + 'ab'.repeat(20), endedAt: now + 12 }, now);
    expect(again.id).not.toBe(lower.id);
    expect(lower.id).toMatch(/^evt_[0-9a-f]{32}$/);
  });

  test('of long ago enter the outbox as sent', async () => {
    await insert(complete(1, now - NEWS_AGE - 1));
    await insert(complete(2, now - NEWS_AGE));
    await insert(complete(2, now));
    expect(await unsent()).toBe(1);
    expect(await env.INDEX.prepare('SELECT COUNT(*) AS n FROM events').first('n')).toBe(2);
  });
});

describe('the outbox', () => {
  test('goes to the queue once, in order', async () => {
    for (let n = 1; n <= 3; n++) await insert(complete(n, now - n));
    const queue = listening();
    expect(await sendEvents({ ...env, ...queue }, now)).toBe(3);
    expect(await sendEvents({ ...env, ...queue }, now + 1_000)).toBe(0);
    expect(queue.sent).toEqual([3, 2, 1].map((n) => ({ kind: 'event', event: complete(n, now - n) })));
    expect(await unsent()).toBe(0);
  });

  test('is shared by those who come at once: nothing goes twice', async () => {
    for (let n = 1; n <= 150; n++) await insert(complete(n));
    const queue = listening();
    const counts = await Promise.all(Array.from({ length: 5 }, () => sendEvents({ ...env, ...queue }, now)));
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(150);
    expect(Math.max(...counts)).toBeLessThanOrEqual(100);
    expect(new Set(queue.sent.map((body) => JSON.stringify(body))).size).toBe(150);
  });

  test('keeps what the queue did not take, and brings it when the lease ends', async () => {
    await insert(complete(1));
    const queue = listening(1);
    await expect(sendEvents({ ...env, ...queue }, now)).rejects.toThrow('away');
    expect(await unsent()).toBe(1);
    expect(await sendEvents({ ...env, ...queue }, now + 59)).toBe(0);
    expect(await sendEvents({ ...env, ...queue }, now + 60)).toBe(1);
    expect(queue.sent).toHaveLength(1);
  });

  test('is emptied after a write, and by the schedule', async () => {
    const queue = listening();
    const bindings = { ...withKey, ...queue };
    await insert(complete(1));
    expect((await sendJson('/adapters/lookup', { ids: [digest(9)] }, bindings)).status).toBe(200);
    expect(queue.sent).toEqual([]);
    const OPERATOR_KEY = 'o'.repeat(32);
    const headers = { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' };
    const context = createExecutionContext();
    const init = { method: 'POST', headers, body: JSON.stringify({ name: 'x' }) };
    const request = new Request('https://worker.test/operator/keys', init);
    const response = await worker.fetch(request, { ...bindings, OPERATOR_KEY }, context);
    expect(response.status).toBe(201);
    await vi.waitFor(() => expect(queue.sent).toHaveLength(1));

    await insert(complete(2));
    await worker.scheduled(createScheduledController(), bindings);
    expect(queue.sent).toHaveLength(2);
  });

  test('is emptied by the schedule though the chain cannot be read', async () => {
    const queue = listening();
    await insert(complete(1));
    await env.INDEX.prepare("INSERT OR REPLACE INTO anchors VALUES (?1, 'null', 0)")
      .bind(`0x${digest(1)}`)
      .run();
    const chain = {
      CHAIN_RPC_URL: 'https://node.example.com/status',
      CHAIN_ID: '1',
      REGISTRY_ADDRESS: `0x${'11'.repeat(20)}`,
    };
    await worker.scheduled(createScheduledController(), { ...withKey, ...queue, ...chain });
    await insert(complete(2));
    await worker.scheduled(createScheduledController(), { ...withKey, ...queue, CHAIN_ID: 'half a setting' });
    expect(queue.sent).toHaveLength(2);
  });
});

describe('the consumer', () => {
  const run = async (body: unknown, attempts = 1, wire?: Wire, bindings = {}) => {
    const batch = createMessageBatch('zklora-events', [{ id: 'm', timestamp: new Date(), attempts, body }]);
    // The result tells of a retry, but not of its delay.
    const retry = vi.spyOn(batch.messages[0], 'retry');
    const context = createExecutionContext();
    await consume(batch, { ...env, ...bindings }, wire);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
    expect(explicitAcks.length + retryMessages.length).toBe(1);
    return { explicitAcks, delays: retry.mock.calls.map(([options]) => options?.delaySeconds) };
  };
  const deliver = (webhook: string, attempts = 1, wire?: Wire) =>
    run({ kind: 'delivery', webhook, event: complete(1) }, attempts, wire);

  test('makes one message a subscriber of this type', async () => {
    const subscribed = [
      await subscribe('a.hooks.example.com'),
      await subscribe('b.hooks.example.com', ['adapter.revoked', 'run.complete']),
    ];
    await subscribe('c.hooks.example.com', ['adapter.revoked']);
    const removed = await subscribe('d.hooks.example.com');
    await new WebhookStore(env).remove(removed.id, now);
    const queue = listening();
    const { explicitAcks } = await run({ kind: 'event', event: complete(1) }, 1, undefined, queue);
    expect(explicitAcks).toEqual(['m']);
    expect(queue.sent).toHaveLength(2);
    const expected = subscribed.map(({ id }) => ({ kind: 'delivery', webhook: id, event: complete(1) }));
    expect(queue.sent).toEqual(expect.arrayContaining(expected));
  });

  test('reaches more subscribers than a queue takes at once', async () => {
    const row = env.INDEX.prepare(
      "INSERT INTO webhooks VALUES (?1, ?2, 'https://x.example.com/', '[\"run.complete\"]', 1, NULL)",
    );
    const ids = Array.from({ length: 230 }, (_, i) => `wh${String(i).padStart(3, '0')}`);
    await env.INDEX.batch(ids.map((id) => row.bind(id, keyId)));
    const queue = listening();
    await run({ kind: 'event', event: complete(1) }, 1, undefined, queue);
    expect(queue.sent.map((body) => (body as { webhook: string }).webhook)).toEqual(ids);
  });

  test('tries a failing subscriber again, later and later, for about a day, then drops the delivery', async () => {
    const { id } = await subscribe('down.hooks.example.com/status/503');
    const dropped = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const delays: unknown[] = [];
    for (let attempts = 1; attempts <= RETRY_DELAYS.length; attempts++) {
      delays.push(...(await deliver(id, attempts)).delays);
    }
    expect(delays).toEqual(RETRY_DELAYS);
    const total = RETRY_DELAYS.reduce((sum, delay) => sum + delay, 0);
    expect(total / 86_400).toBeCloseTo(1, 1);
    // A queue delays by half a day at most.
    expect(Math.max(...RETRY_DELAYS)).toBeLessThanOrEqual(43_200);
    expect(dropped).not.toHaveBeenCalled();

    expect(await deliver(id, RETRY_DELAYS.length + 1)).toEqual({ explicitAcks: ['m'], delays: [] });
    expect(dropped).toHaveBeenCalledOnce();
    const line = String(dropped.mock.calls[0][0]);
    expect(JSON.parse(line)).toMatchObject({ message: 'webhook dropped', webhook: id, attempts: 8, why: 'status 503' });
    expect(line).not.toContain('down.hooks');
    dropped.mockRestore();
    expect(await notesOf('down')).toHaveLength(8);
  });

  test('one message that fails leaves the others of its batch alone', async () => {
    const hooks = await Promise.all(
      ['ok/status/200', 'down/status/500', 'ok/status/204'].map((path) => {
        const [name, ...rest] = path.split('/');
        return subscribe(`batch-${name}.hooks.example.com/${rest.join('/')}`);
      }),
    );
    const messages = hooks.map(({ id: webhook }, i) => {
      const body = { kind: 'delivery', webhook, event: complete(1) };
      return { id: `m${i}`, timestamp: new Date(), attempts: 1, body };
    });
    const batch = createMessageBatch('zklora-events', messages);
    const context = createExecutionContext();
    await worker.queue(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
    expect(explicitAcks.sort()).toEqual(['m0', 'm2']);
    expect(retryMessages).toEqual([{ msgId: 'm1' }]);
  });

  test('tells nobody who has left: webhook removed, key revoked, no secret of the worker’s any more', async () => {
    const calls: string[] = [];
    const wire: Wire = { ...PUBLIC_WIRE, fetch: async (url) => (calls.push(url), new Response()) };
    const { id } = await subscribe('left.hooks.example.com');
    await new WebhookStore(env).remove(id, now);
    const keys = new KeyStore(env);
    const other = (await keys.create('leaves', now)).key.id;
    const revoked = await new WebhookStore(env).create(other, 'https://left.hooks.example.com/', ['run.complete'], now);
    await keys.revoke(other, now);
    for (const webhook of [id, revoked.id, 'whnever'])
      expect(await deliver(webhook, 1, wire)).toMatchObject({ explicitAcks: ['m'] });
    const stays = await subscribe('left.hooks.example.com');
    const body = { kind: 'delivery', webhook: stays.id, event: complete(1) };
    expect(await run(body, 1, wire, { WEBHOOK_SECRET: '' })).toMatchObject({ explicitAcks: ['m'] });
    expect(calls).toEqual([]);
  });

  test('takes 410 as the subscriber’s wish to hear no more', async () => {
    const { id } = await subscribe('gone.hooks.example.com/status/410');
    expect(await deliver(id)).toMatchObject({ explicitAcks: ['m'] });
    expect(await new WebhookStore(env).active(id)).toBeNull();
    expect(await deliver(id)).toMatchObject({ explicitAcks: ['m'] });
    expect(await notesOf('gone')).toHaveLength(1);
  });

  test('a stored URL that the rules do not allow is dropped at once', async () => {
    const dropped = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { id } = await subscribe('169.254.169.254/latest');
    expect(await deliver(id)).toEqual({ explicitAcks: ['m'], delays: [] });
    expect(dropped).toHaveBeenCalledOnce();
    dropped.mockRestore();
  });

  test('a message that it does not understand is tried again, and so comes to the dead letter queue', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    for (const body of [
      null,
      'text',
      { kind: 'delivery' },
      { kind: 'event', event: { ...complete(1), type: 'other' } },
    ])
      expect(await run(body)).toEqual({ explicitAcks: [], delays: [60] });
    expect(told).toHaveBeenCalledTimes(4);
    told.mockRestore();
  });
});

test('from the outbox through the real queue to the subscribers, by the worker as it is set up', async () => {
  await subscribe('whole-a.hooks.example.com/status/204');
  await subscribe('whole-b.hooks.example.com/status/204', ['verifier.withdrawn', 'run.complete']);
  await subscribe('whole-c.hooks.example.com/status/204', ['adapter.revoked']);
  await insert(complete(77));
  await insert(verifierWithdrawnEvent(digest(5), { at: now, reason: 'a bug' }));
  const scheduled = exports.default as unknown as { scheduled(controller: object): Promise<unknown> };
  await scheduled.scheduled({ cron: '* * * * *', scheduledTime: new Date() });
  await vi.waitFor(
    async () => {
      expect(await notesOf('whole-a')).toHaveLength(1);
      expect(await notesOf('whole-b')).toHaveLength(2);
    },
    { timeout: 20_000, interval: 200 },
  );
  const bodies = (await notesOf('whole-b')).map(({ body }) => JSON.parse(body) as { type: string });
  expect(bodies.map(({ type }) => type).sort()).toEqual(['run.complete', 'verifier.withdrawn']);
  expect(await notesOf('whole-c')).toEqual([]);
});
