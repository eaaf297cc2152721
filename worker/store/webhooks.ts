/** Webhooks of API keys. Their secrets follow from their ids (`events/signature.ts`) and are not kept. */
import { z } from 'zod';

import { eventType } from '../../api/operation.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Env } from '../env.ts';
import type { EventType } from '../events/event.ts';
import { Facts } from './facts.ts';

const storedWebhook = z.strictObject({
  ...{ id: z.string(), keyId: z.string(), url: z.string() },
  ...{ events: z.array(eventType), createdAt: z.int() },
});
const webhookRemoval = z.strictObject({ at: z.int() });

/** What R2 keeps of a webhook, for ever. */
export type StoredWebhook = z.output<typeof storedWebhook>;

/** A webhook. Times are seconds since 1970. */
export interface Webhook extends StoredWebhook {
  readonly removedAt: number | null;
}

interface WebhookRow {
  readonly id: string;
  readonly key_id: string;
  readonly url: string;
  readonly events: string;
  readonly created_at: number;
  readonly removed_at: number | null;
}

const COLUMNS = 'w.id, w.key_id, w.url, w.events, w.created_at, w.removed_at';
/** A webhook of a revoked key is no subscriber, even where a crash left it in place. */
const ACTIVE = 'FROM webhooks w JOIN keys k ON k.id = w.key_id WHERE w.removed_at IS NULL AND k.revoked_at IS NULL';
/** A removal is never undone, not even by a rebuild that read the objects just before it. */
const UPSERT = `INSERT INTO webhooks (id, key_id, url, events, created_at, removed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET key_id = ?2, url = ?3, events = ?4, created_at = ?5, removed_at = COALESCE(?6, removed_at)`;

export const webhookObject = (id: string): string => `webhooks/${id}.json`;
export const webhookRemovalObject = (id: string): string => `webhooks/${id}.removed.json`;

/** The id of a webhook, from the name of either of its objects; or null. */
export function webhookOfObject(name: string): string | null {
  return /^webhooks\/([0-9a-z]{1,40})(?:\.removed)?\.json$/.exec(name)?.[1] ?? null;
}

const webhookOf = (row: WebhookRow): Webhook => ({
  ...{ id: row.id, keyId: row.key_id, url: row.url, events: JSON.parse(row.events) as EventType[] },
  ...{ createdAt: row.created_at, removedAt: row.removed_at },
});

/** Webhooks in R2 and in the index. */
export class WebhookStore {
  readonly #facts: Facts;
  readonly #index: D1Database;

  constructor(env: Pick<Env, 'PROOFS' | 'INDEX'>) {
    this.#facts = new Facts(env.PROOFS);
    this.#index = env.INDEX;
  }

  /** Creates a webhook. @param at seconds since 1970 */
  async create(keyId: string, url: string, events: readonly EventType[], at: number): Promise<Webhook> {
    const id = `wh${toHex(crypto.getRandomValues(new Uint8Array(12)))}`;
    const webhook: StoredWebhook = { id, keyId, url, events: [...new Set(events)], createdAt: at };
    await this.#facts.create(webhookObject(id), webhook);
    await this.row(webhook, null).run();
    return { ...webhook, removedAt: null };
  }

  /** Webhooks of a key that are not removed, the oldest first. */
  async listOf(keyId: string): Promise<Webhook[]> {
    const query = this.#index.prepare(
      `SELECT ${COLUMNS} FROM webhooks w WHERE w.key_id = ?1 AND w.removed_at IS NULL ORDER BY w.created_at, w.id`,
    );
    return (await query.bind(keyId).all<WebhookRow>()).results.map(webhookOf);
  }

  /** A webhook that is to be told events: neither it nor its key has ended. Or null. */
  async active(id: string): Promise<Webhook | null> {
    const row = await this.#index.prepare(`SELECT ${COLUMNS} ${ACTIVE} AND w.id = ?1`).bind(id).first<WebhookRow>();
    return row && webhookOf(row);
  }

  /**
   * Ids of active webhooks for a type of event, in their order.
   * @param after those behind this id
   */
  async subscribers(type: EventType, after: string, limit: number): Promise<string[]> {
    const query = this.#index.prepare(
      `SELECT w.id ${ACTIVE} AND w.id > ?1 AND EXISTS (SELECT 1 FROM json_each(w.events) WHERE value = ?2)
       ORDER BY w.id LIMIT ?3`,
    );
    return (await query.bind(after, type, limit).all<{ id: string }>()).results.map(({ id }) => id);
  }

  /**
   * Removes a webhook. Asked again it does what was left undone; the first time stays.
   * @param at seconds since 1970
   * @param keyId of whom it has to be; absent: of anybody
   * @returns null where there is no such webhook of this key
   */
  async remove(id: string, at: number, keyId?: string): Promise<Webhook | null> {
    const webhook = await this.#facts.get(webhookObject(id), storedWebhook);
    if (webhook === null || (keyId !== undefined && webhook.keyId !== keyId)) return null;
    const removal = await this.#facts.createOrGet(webhookRemovalObject(id), webhookRemoval, { at });
    await this.row(webhook, removal.at).run();
    return { ...webhook, removedAt: removal.at };
  }

  /** Removes the webhooks of a key. @param at seconds since 1970 */
  async removeAllOf(keyId: string, at: number): Promise<void> {
    for (const { id } of await this.listOf(keyId)) await this.remove(id, at);
  }

  /** What R2 has of a webhook, or null. @throws BrokenObjectError */
  async facts(id: string): Promise<{ webhook: StoredWebhook; removedAt: number | null } | null> {
    const webhook = await this.#facts.get(webhookObject(id), storedWebhook);
    const removal = await this.#facts.get(webhookRemovalObject(id), webhookRemoval);
    return webhook && { webhook, removedAt: removal?.at ?? null };
  }

  /** The statement that puts a webhook into the index. */
  row({ id, keyId, url, events, createdAt }: StoredWebhook, removedAt: number | null): D1PreparedStatement {
    return this.#index.prepare(UPSERT).bind(id, keyId, url, JSON.stringify(events), createdAt, removedAt);
  }
}
