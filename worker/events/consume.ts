/**
 * The consumer of the queue. An event becomes one message a subscriber, so that a subscriber who fails is tried again
 * without the others.
 */
import type { Env } from '../env.ts';
import { WebhookStore } from '../store/webhooks.ts';
import { deliver, PUBLIC_WIRE, type Wire } from './deliver.ts';
import type { ServiceEvent } from './event.ts';
import { eventMessage, type EventMessage } from './messages.ts';
import { webhookSecret } from './signature.ts';

/** Seconds before each further try: 8 tries in about a day. `max_retries` in `wrangler.toml` must not be lower. */
export const RETRY_DELAYS: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 28_800, 28_800];
/** Seconds after a mistake of our own; after `max_retries` of them the message goes to the dead letter queue. */
const MENDING = 60;
/** A queue takes at most 100 messages at once. */
const PAGE = 100;

type Bindings = Pick<Env, 'PROOFS' | 'INDEX' | 'EVENTS' | 'WEBHOOK_SECRET'>;

/** One message for each subscriber of the event. */
async function fanOut(event: ServiceEvent, env: Bindings): Promise<void> {
  const store = new WebhookStore(env);
  for (let after = ''; ;) {
    const ids = await store.subscribers(event.type, after, PAGE);
    const messages = ids.map((webhook): { body: EventMessage } => ({ body: { kind: 'delivery', webhook, event } }));
    if (messages.length > 0) await env.EVENTS.sendBatch(messages);
    if (ids.length < PAGE) return;
    after = ids[ids.length - 1];
  }
}

/** @returns seconds after which to try again, or null where this delivery is over */
async function attempt(
  { webhook: id, event }: Extract<EventMessage, { kind: 'delivery' }>,
  attempts: number,
  env: Bindings,
  wire: Wire,
): Promise<number | null> {
  const secret = webhookSecret(env);
  const store = new WebhookStore(env);
  const webhook = secret === null ? null : await store.active(id);
  // Removed, or its key revoked, since the event was taken.
  if (secret === null || webhook === null) return null;
  const now = Math.floor(Date.now() / 1000);
  const result = await deliver(event, webhook, secret, now, wire);
  if (result.outcome === 'delivered') return null;
  if (result.outcome === 'gone') {
    await store.remove(id, now);
    return null;
  }
  const delay = result.outcome === 'refused' ? undefined : RETRY_DELAYS[attempts - 1];
  if (delay !== undefined) return delay;
  // Neither the URL, which may hold a secret of the subscriber's, nor what it answered.
  const { why } = result;
  console.warn(JSON.stringify({ message: 'webhook dropped', webhook: id, event: event.id, attempts, why }));
  return null;
}

async function take(message: Message, env: Bindings, wire: Wire): Promise<void> {
  try {
    const body = eventMessage.parse(message.body);
    if (body.kind === 'event') {
      await fanOut(body.event, env);
      return message.ack();
    }
    const delaySeconds = await attempt(body, message.attempts, env, wire);
    if (delaySeconds === null) message.ack();
    else message.retry({ delaySeconds });
  } catch (error) {
    console.error(error);
    message.retry({ delaySeconds: MENDING });
  }
}

/** Takes each message of a batch by itself: none waits for, or fails with, another. */
export async function consume(batch: MessageBatch, env: Bindings, wire: Wire = PUBLIC_WIRE): Promise<void> {
  await Promise.all(batch.messages.map((message) => take(message, env, wire)));
}
