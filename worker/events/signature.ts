/**
 * Signatures of Standard Webhooks 1.0 (https://www.standardwebhooks.com), scheme v1: HMAC-SHA256 over
 * `id.timestamp.body`.
 *
 * The secret of a webhook is derived from the worker's WEBHOOK_SECRET and the webhook's id (HKDF-SHA256), so nothing
 * secret is stored and a copy of bucket and index forges nothing. Another WEBHOOK_SECRET changes every webhook's
 * secret: set one where it leaked, and have subscribers create their webhooks again.
 */
import { SettingError, type Env } from '../env.ts';

/** Characters that WEBHOOK_SECRET must have: with fewer it might be guessed from a signature. */
const MIN_SECRET = 32;
const SECRET_BYTES = 32;

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value) as Uint8Array<ArrayBuffer>;
const base64 = (bytes: ArrayBuffer | Uint8Array): string => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** The secret that webhooks' secrets follow from; null where there are no webhooks. @throws SettingError */
export function webhookSecret(env: Pick<Env, 'WEBHOOK_SECRET'>): string | null {
  const secret = env.WEBHOOK_SECRET ?? '';
  if (secret === '') return null;
  if (secret.length < MIN_SECRET)
    throw new SettingError(
      'WEBHOOK_SECRET',
      `has ${secret.length} characters; give at least ${MIN_SECRET} random ones`,
    );
  return secret;
}

async function signingKey(secret: string, webhookId: string): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey('raw', text(secret), 'HKDF', false, ['deriveBits']);
  const info = text(`zkLoRA webhook v1 ${webhookId}`);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(how, material, 8 * SECRET_BYTES));
}

/** What a subscriber verifies with: `whsec_` and 32 bytes in base64. @param secret of the worker */
export async function subscriberSecret(secret: string, webhookId: string): Promise<string> {
  return `whsec_${base64(await signingKey(secret, webhookId))}`;
}

/**
 * The headers of a delivery.
 * @param timestamp of this attempt, seconds since 1970
 */
export async function signedHeaders(
  secret: string,
  { webhookId, eventId, timestamp, body }: { webhookId: string; eventId: string; timestamp: number; body: string },
): Promise<Record<string, string>> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', await signingKey(secret, webhookId), hmac, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, text(`${eventId}.${timestamp}.${body}`));
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${base64(signature)}`,
  };
}
