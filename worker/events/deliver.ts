/** One delivery of an event to one subscriber. */
import type { StoredWebhook } from '../store/webhooks.ts';
import { publicHttps, WebhookUrlError, type UrlPolicy } from './address.ts';
import type { ServiceEvent } from './event.ts';
import { signedHeaders } from './signature.ts';

/** Milliseconds that a subscriber may take to answer. */
const PATIENCE = 10_000;

/** What deliveries are made by; tests name their own. */
export interface Wire {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly allow: UrlPolicy;
}

export const PUBLIC_WIRE: Wire = { fetch: (url, init) => fetch(url, init), allow: publicHttps };

/** `gone`: the subscriber said 410, for ever. `failed`: to be tried again. `refused`: the URL is not allowed (now). */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'failed'; readonly why: string }
  | { readonly outcome: 'refused'; readonly why: string };

/** The body of an event's deliveries. */
export function bodyOf({ type, data, at }: ServiceEvent): string {
  return JSON.stringify({ type, timestamp: new Date(at * 1000).toISOString(), data });
}

/**
 * Posts an event. Redirects are not followed, since they would lead around the rules for URLs; what the subscriber
 * says besides the status is not read.
 * @param secret of the worker
 * @param now seconds since 1970
 */
export async function deliver(
  event: ServiceEvent,
  { id: webhookId, url: address }: Pick<StoredWebhook, 'id' | 'url'>,
  secret: string,
  now: number,
  wire: Wire = PUBLIC_WIRE,
): Promise<Delivery> {
  let url: URL;
  try {
    url = wire.allow(address);
  } catch (error) {
    if (error instanceof WebhookUrlError) return { outcome: 'refused', why: error.reason };
    throw error;
  }
  const body = bodyOf(event);
  const signed = await signedHeaders(secret, { webhookId, eventId: event.id, timestamp: now, body });
  const headers = { ...signed, 'content-type': 'application/json', 'user-agent': 'zkLoRA-webhooks/1' };
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await wire.fetch(url.href, { method: 'POST', headers, body, redirect: 'manual', signal });
    await response.body?.cancel();
    if (response.status === 410) return { outcome: 'gone' };
    if (response.status >= 200 && response.status < 300) return { outcome: 'delivered' };
    return { outcome: 'failed', why: `status ${response.status}` };
  } catch (error) {
    return { outcome: 'failed', why: error instanceof Error ? error.name : 'no answer' };
  }
}
