/**
 * API keys. A key is `zkl_`, its id and 256 random bits; bucket and index hold its SHA-256 alone.
 *
 * A plain hash is enough: with 256 random bits there is nothing to guess, so neither salt nor a slow hash adds
 * anything. Looking a key up by its hash needs no comparison in constant time either: what the time of a look-up might
 * tell is how far a hash agrees with a stored one, and whoever tries keys can't steer the hash without inverting it.
 */
import { z } from 'zod';

import { toHex } from '../../protocol/bytes.ts';
import type { Env } from '../env.ts';
import { Facts } from './facts.ts';
import { WebhookStore } from './webhooks.ts';

const storedKey = z.strictObject({ id: z.string(), name: z.string(), hash: z.string(), createdAt: z.int() });
const keyRevocation = z.strictObject({ at: z.int() });

/** What R2 keeps of a key, for ever. */
export type StoredKey = z.output<typeof storedKey>;

/** An API key, without what is secret. Times are seconds since 1970. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly revoked_at: number | null;
}

const COLUMNS = 'id, name, created_at, revoked_at';
/** A revocation is never undone, not even by a rebuild that read the objects just before it. */
const UPSERT = `INSERT INTO keys (id, name, hash, created_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET name = ?2, hash = ?3, created_at = ?4, revoked_at = COALESCE(?5, revoked_at)`;

export const keyObject = (id: string): string => `keys/${id}.json`;
export const keyRevocationObject = (id: string): string => `keys/${id}.revoked.json`;

/** The id of a key, from the name of either of its objects; or null. */
export function keyOfObject(name: string): string | null {
  return /^keys\/([0-9a-z]{1,40})(?:\.revoked)?\.json$/.exec(name)?.[1] ?? null;
}

const keyOf = ({ id, name, created_at, revoked_at }: KeyRow): ApiKey => ({
  ...{ id, name, createdAt: created_at, revokedAt: revoked_at },
});

const randomHex = (bytes: number): string => toHex(crypto.getRandomValues(new Uint8Array(bytes)));

async function hashOf(key: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))));
}

/** What everybody may see of a key's form, so that a text of another form is not looked up. */
export const KEY_FORM = /^zkl_[0-9a-f]{16}_[0-9a-f]{64}$/;

/** API keys in R2 and in the index. */
export class KeyStore {
  readonly #facts: Facts;
  readonly #index: D1Database;
  readonly #webhooks: WebhookStore;

  constructor(env: Pick<Env, 'PROOFS' | 'INDEX'>) {
    this.#facts = new Facts(env.PROOFS);
    this.#index = env.INDEX;
    this.#webhooks = new WebhookStore(env);
  }

  /**
   * Creates a key.
   * @param at seconds since 1970
   * @returns the key and its text, which is nowhere kept
   */
  async create(name: string, at: number): Promise<{ key: ApiKey; text: string }> {
    const id = randomHex(8);
    const text = `zkl_${id}_${randomHex(32)}`;
    const stored: StoredKey = { id, name, hash: await hashOf(text), createdAt: at };
    await this.#facts.create(keyObject(id), stored);
    await this.row(stored, null).run();
    return { key: { id, name, createdAt: at, revokedAt: null }, text };
  }

  /** The key with this text, revoked ones among them; null where there is none. */
  async withText(text: string): Promise<ApiKey | null> {
    if (!KEY_FORM.test(text)) return null;
    const query = this.#index.prepare(`SELECT ${COLUMNS} FROM keys WHERE hash = ?1`);
    const row = await query.bind(await hashOf(text)).first<KeyRow>();
    return row && keyOf(row);
  }

  /** All keys, the oldest first. */
  async list(): Promise<ApiKey[]> {
    const query = this.#index.prepare(`SELECT ${COLUMNS} FROM keys ORDER BY created_at, id`);
    return (await query.all<KeyRow>()).results.map(keyOf);
  }

  /**
   * Revokes a key and removes its webhooks. Asked again it does what was left undone; the first time stays.
   * @param at seconds since 1970
   * @returns null where there is no such key
   */
  async revoke(id: string, at: number): Promise<ApiKey | null> {
    const key = await this.#facts.get(keyObject(id), storedKey);
    if (key === null) return null;
    const revocation = await this.#facts.createOrGet(keyRevocationObject(id), keyRevocation, { at });
    await this.row(key, revocation.at).run();
    await this.#webhooks.removeAllOf(id, revocation.at);
    const { name, createdAt } = key;
    return { id, name, createdAt, revokedAt: revocation.at };
  }

  /** What R2 has of a key, or null. @throws BrokenObjectError */
  async facts(id: string): Promise<{ key: StoredKey; revokedAt: number | null } | null> {
    const key = await this.#facts.get(keyObject(id), storedKey);
    const revocation = await this.#facts.get(keyRevocationObject(id), keyRevocation);
    return key && { key, revokedAt: revocation?.at ?? null };
  }

  /** The statement that puts a key into the index. */
  row({ id, name, hash, createdAt }: StoredKey, revokedAt: number | null): D1PreparedStatement {
    return this.#index.prepare(UPSERT).bind(id, name, hash, createdAt, revokedAt);
  }
}
