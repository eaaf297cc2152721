import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { authorise, requireKey, requireOperator, writesNeedKey } from '../../worker/auth.ts';
import { SettingError, type Env } from '../../worker/env.ts';
import { Problem } from '../../worker/problems.ts';
import { KeyStore, keyObject, keyOfObject, keyRevocationObject } from '../../worker/store/keys.ts';
import { WebhookStore } from '../../worker/store/webhooks.ts';

const AT = 1_790_000_000;
const OPERATOR_KEY = 'an operator key of the tests, 32+';
const store = new KeyStore(env);

const asking = (authorization?: string, settings: Partial<Env> = {}) => ({
  env: { ...env, ...settings } as Env,
  req: { header: (name: string) => (name === 'authorization' ? authorization : undefined) } as never,
});

async function refusal(promise: Promise<unknown>): Promise<Problem> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (cause: unknown) => cause,
  );
  if (!(error instanceof Problem)) throw error;
  return error;
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => (await refusal(promise)).details.code;

async function everythingStored(): Promise<string> {
  const { objects } = await env.PROOFS.list();
  const bodies = await Promise.all(
    objects.map(async ({ key }) => `${key} ${await (await env.PROOFS.get(key))!.text()}`),
  );
  const { results } = await env.INDEX.prepare('SELECT * FROM keys').all();
  return `${bodies.join('\n')}\n${JSON.stringify(results)}`;
}

describe('API keys', () => {
  test('have 256 random bits, each others', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => store.create('many', AT)));
    const secrets = made.map(({ text }) => /^zkl_[0-9a-f]{16}_([0-9a-f]{64})$/.exec(text)?.[1]);
    expect(secrets).not.toContain(undefined);
    expect(new Set(secrets).size).toBe(20);
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(20);
  });

  test('are found by their text and by nothing near it', async () => {
    const { key, text } = await store.create('market', AT);
    expect(await store.withText(text)).toEqual({ id: key.id, name: 'market', createdAt: AT, revokedAt: null });
    const last = text.endsWith('0') ? '1' : '0';
    for (const other of [
      `${text.slice(0, -1)}${last}`,
      text.toUpperCase(),
      ` ${text}`,
      text.slice(0, -1),
      `${text}0`,
      '',
    ])
      expect(await store.withText(other)).toBeNull();
  });

  test('neither bucket nor index holds one', async () => {
    const { key, text } = await store.create('secret', AT);
    await store.revoke((await store.create('revoked', AT)).key.id, AT);
    const stored = await everythingStored();
    expect(stored).toContain(key.id);
    expect(stored).not.toContain(text.split('_')[2]);
    // The hash opens nothing.
    const hash = JSON.parse(await (await env.PROOFS.get(keyObject(key.id)))!.text()) as { hash: string };
    for (const guess of [hash.hash, `zkl_${key.id}_${hash.hash}`]) expect(await store.withText(guess)).toBeNull();
  });

  test('revoking takes effect, stays, and removes the webhooks', async () => {
    const webhooks = new WebhookStore(env);
    const [{ key, text }, other] = [await store.create('leaves', AT), await store.create('stays', AT)];
    const mine = await webhooks.create(key.id, 'https://hooks.example.com/a', ['run.complete'], AT);
    const theirs = await webhooks.create(other.key.id, 'https://hooks.example.com/b', ['run.complete'], AT);

    expect(await store.revoke(key.id, AT + 5)).toMatchObject({ id: key.id, revokedAt: AT + 5 });
    expect(await store.revoke(key.id, AT + 9)).toMatchObject({ revokedAt: AT + 5 });
    expect((await store.withText(text))?.revokedAt).toBe(AT + 5);
    expect(await webhooks.active(mine.id)).toBeNull();
    expect(await webhooks.facts(mine.id)).toMatchObject({ removedAt: AT + 5 });
    expect((await webhooks.active(theirs.id))?.url).toBe('https://hooks.example.com/b');
    expect(await store.revoke('nosuchkey', AT)).toBeNull();
  });

  test('a revocation that broke off after the bucket is finished by the next one, and tells no subscriber till then', async () => {
    const webhooks = new WebhookStore(env);
    const { key, text } = await store.create('broken off', AT);
    const webhook = await webhooks.create(key.id, 'https://hooks.example.com/c', ['run.complete'], AT);
    await env.PROOFS.put(keyRevocationObject(key.id), JSON.stringify({ at: AT + 1 }));
    expect(await store.revoke(key.id, AT + 50)).toMatchObject({ revokedAt: AT + 1 });
    expect((await store.withText(text))?.revokedAt).toBe(AT + 1);
    expect(await webhooks.active(webhook.id)).toBeNull();

    // The other gap: the key is revoked in the index, its webhook not yet removed.
    const second = await store.create('half', AT);
    const left = await webhooks.create(second.key.id, 'https://hooks.example.com/d', ['run.complete'], AT);
    await env.INDEX.prepare('UPDATE keys SET revoked_at = ?1 WHERE id = ?2').bind(AT, second.key.id).run();
    expect(await webhooks.active(left.id)).toBeNull();
    expect(await webhooks.subscribers('run.complete', '', 1000)).not.toContain(left.id);
  });

  test('an index rebuilt from what was read before a revocation does not undo it', async () => {
    const { key, text } = await store.create('rebuilt', AT);
    const before = (await store.facts(key.id))!;
    await store.revoke(key.id, AT + 3);
    await store.row(before.key, before.revokedAt).run();
    expect((await store.withText(text))?.revokedAt).toBe(AT + 3);
  });

  test('an index that is lost comes back from the bucket', async () => {
    const { key, text } = await store.create('lost', AT);
    const webhook = await new WebhookStore(env).create(key.id, 'https://hooks.example.com/e', ['adapter.revoked'], AT);
    await env.INDEX.batch(['DELETE FROM keys', 'DELETE FROM webhooks'].map((sql) => env.INDEX.prepare(sql)));
    expect(await store.withText(text)).toBeNull();
    const facts = (await store.facts(keyOfObject(keyObject(key.id))!))!;
    await store.row(facts.key, facts.revokedAt).run();
    const hooks = (await new WebhookStore(env).facts(webhook.id))!;
    await new WebhookStore(env).row(hooks.webhook, hooks.removedAt).run();
    expect((await store.withText(text))?.id).toBe(key.id);
    expect(await new WebhookStore(env).active(webhook.id)).toEqual(webhook);
  });
});

describe('who submits', () => {
  test('anybody, where writes are open', async () => {
    expect(await authorise(asking())).toBeNull();
    expect(await authorise(asking(undefined, { WRITES: 'open' }))).toBeNull();
  });

  test('with a key, also where none is needed; a wrong one is refused there too', async () => {
    const { key, text } = await store.create('submits', AT);
    for (const WRITES of ['open', 'key']) {
      expect((await authorise(asking(`Bearer ${text}`, { WRITES })))?.id).toBe(key.id);
      expect((await authorise(asking(`bearer   ${text} `, { WRITES })))?.id).toBe(key.id);
      for (const wrong of [
        `Bearer ${text}x`,
        'Bearer',
        `Basic ${text}`,
        text,
        `Bearer ${text} ${text}`,
        `Bearer ${'x'.repeat(9_999)}`,
      ])
        expect(await codeOf(authorise(asking(wrong, { WRITES })))).toBe('KEY_UNKNOWN');
    }
  });

  test('nobody without a key, where one is needed', async () => {
    const { status, details } = await refusal(authorise(asking(undefined, { WRITES: 'key' })));
    expect([status, details.code]).toEqual([401, 'KEY_REQUIRED']);
    expect(details.headers?.['www-authenticate']).toBe('Bearer realm="zkLoRA"');
  });

  test('nobody with a revoked key', async () => {
    const { key, text } = await store.create('was revoked', AT);
    await store.revoke(key.id, AT);
    const { status, details } = await refusal(requireKey(asking(`Bearer ${text}`)));
    expect([status, details.code]).toEqual([401, 'KEY_REVOKED']);
    expect(details.headers?.['www-authenticate']).toContain('invalid_token');
    expect(details.detail).not.toContain(text);
  });

  test('the operator’s key is no API key, and no API key is the operator’s', async () => {
    const { text } = await store.create('ambitious', AT);
    expect(await codeOf(requireKey(asking(`Bearer ${OPERATOR_KEY}`, { OPERATOR_KEY })))).toBe('KEY_UNKNOWN');
    expect(await codeOf(requireOperator(asking(`Bearer ${text}`, { OPERATOR_KEY })))).toBe('OPERATOR_CLOSED');
  });

  test('a setting that says something else', () => {
    expect(() => writesNeedKey({ WRITES: 'closed' })).toThrow(SettingError);
  });
});

describe('the operator', () => {
  test('passes by the key, and nobody by less or more', async () => {
    const key = OPERATOR_KEY.replaceAll(' ', '-');
    const settings = { OPERATOR_KEY: key };
    await expect(requireOperator(asking(`Bearer ${key}`, settings))).resolves.toBeUndefined();
    for (const wrong of [
      undefined,
      'Bearer',
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key}0`,
      `Bearer ${key.toUpperCase()}`,
    ])
      expect(await codeOf(requireOperator(asking(wrong, settings)))).toBe('OPERATOR_CLOSED');
  });

  test('is nobody where no key is set: not even with an empty one', async () => {
    for (const OPERATOR_KEY of [undefined, ''])
      for (const wrong of [undefined, 'Bearer', 'Bearer ', 'Bearer undefined', 'Bearer null'])
        expect(
          await codeOf(requireOperator(asking(wrong, { ...(OPERATOR_KEY !== undefined && { OPERATOR_KEY }) }))),
        ).toBe('OPERATOR_CLOSED');
  });

  test('needs a key that can’t be guessed, and the error does not tell it', async () => {
    const short = 'k'.repeat(31);
    const error = await requireOperator(asking(`Bearer ${short}`, { OPERATOR_KEY: short })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SettingError);
    expect((error as Error).message).not.toContain(short);
  });
});
