/** Schemas of what operators and holders of API keys say to the service, and of its answers to them. */
import { z } from 'zod';

import * as v from './values.ts';

const name = z.string().trim().min(1).max(80);

export const newKey = z.strictObject({ name }).meta({ id: 'NewKey' });

export const key = z
  .object({ id: z.string(), name: z.string(), createdAt: v.seconds, revokedAt: v.orNull(v.seconds) })
  .meta({ id: 'Key', description: 'an API key; the service holds its hash alone' });
export const createdKey = key
  .extend({ key: z.string().meta({ description: 'told this once', example: 'zkl_…' }) })
  .meta({ id: 'CreatedKey' });
export const keys = z.object({ keys: z.array(key) }).meta({ id: 'Keys' });

export const eventType = z
  .enum(['run.complete', 'adapter.anchored', 'adapter.revoked', 'verifier.withdrawn'])
  .meta({ id: 'EventType' });
export const newWebhook = z
  .strictObject({
    url: z
      .url({ protocol: /^https$/, error: 'expected an https URL' })
      .max(2000)
      .meta({ description: 'https; no private or local address' }),
    events: z.array(eventType).min(1).max(eventType.options.length),
  })
  .meta({ id: 'NewWebhook' });
export const webhook = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.array(eventType),
    createdAt: v.seconds,
    removedAt: v.orNull(v.seconds),
  })
  .meta({ id: 'Webhook' });
export const createdWebhook = webhook
  .extend({ secret: z.string().meta({ description: 'whsec_ and base64, of Standard Webhooks; told this once' }) })
  .meta({ id: 'CreatedWebhook' });
export const webhooks = z.object({ webhooks: z.array(webhook) }).meta({ id: 'Webhooks' });

export const event = z
  .object({ type: eventType, timestamp: z.string(), data: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Event', description: 'body of a webhook; headers webhook-id, webhook-timestamp, webhook-signature' });

export const newWithdrawal = z
  .strictObject({ reason: z.string().trim().min(1).max(500) })
  .meta({ id: 'NewWithdrawal' });

export const attesterWindow = z
  .strictObject({ address: v.address, validFrom: v.seconds, validUntil: v.orNull(v.seconds) })
  .meta({ id: 'AttesterWindow', description: 'from when until when a key of this service attests' });

/** A page of work over everything that R2 holds; ask again with `cursor` until it is null. */
export const indexPage = z
  .object({
    cursor: z.string().nullable(),
    looked: v.count.meta({ description: 'objects of R2 read for this page' }),
    written: v.count.meta({ description: 'rows that were missing or different, and are mended' }),
    differences: z.array(z.object({ key: z.string(), what: z.string() })),
  })
  .meta({ id: 'IndexPage' });
