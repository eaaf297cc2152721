/** Who may do what: holders of API keys, and the operator. */
import type { Context } from 'hono';

import type { ProblemCode } from '../api/problem-codes.ts';
import { SettingError, type AppTypes, type Env } from './env.ts';
import { requireRate } from './limits/rate.ts';
import { Problem } from './problems.ts';
import { KeyStore, type ApiKey } from './store/keys.ts';

type Request = Pick<Context<AppTypes>, 'env' | 'req'>;

/** Characters that OPERATOR_KEY must have, so that it is not guessed: many tries are answered 429, but not stopped. */
const MIN_OPERATOR_KEY = 32;
/** No key is longer. */
const MAX_BEARER = 400;

function unauthorised(code: ProblemCode, detail: string, next: string): Problem {
  // RFC 6750: an error is named where a key came along.
  const challenge = code === 'KEY_REQUIRED' || code === 'OPERATOR_CLOSED' ? '' : ', error="invalid_token"';
  return new Problem(401, { code, detail, next, headers: { 'www-authenticate': `Bearer realm="zkLoRA"${challenge}` } });
}

/** The text after `Authorization: Bearer`; null without the header, empty where it is not of this form. */
function bearer({ req }: Request): string | null {
  const header = req.header('authorization');
  if (header === undefined) return null;
  return header.length > MAX_BEARER ? '' : (/^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1] ?? '');
}

/** Whether submissions need a key. @throws SettingError */
export function writesNeedKey(env: Pick<Env, 'WRITES'>): boolean {
  const writes = env.WRITES ?? 'open';
  if (writes !== 'open' && writes !== 'key') throw new SettingError('WRITES', `"${writes}" is neither open nor key`);
  return writes === 'key';
}

async function keyOf(c: Request, text: string): Promise<ApiKey> {
  const key = await new KeyStore(c.env).withText(text);
  if (key === null) {
    await requireRate(c, null, 'failure');
    const next = 'Send Authorization: Bearer and the whole key, zkl_…; the operator lists and creates keys.';
    throw unauthorised('KEY_UNKNOWN', 'The Authorization header carries no API key of this service.', next);
  }
  if (key.revokedAt !== null) {
    const since = new Date(key.revokedAt * 1000).toISOString();
    const next = 'Ask the operator for another key.';
    throw unauthorised('KEY_REVOKED', `The API key ${key.id} was revoked on ${since}.`, next);
  }
  return key;
}

/** The API key of a request, which must have one. @throws Problem 401 KEY_REQUIRED, KEY_UNKNOWN, KEY_REVOKED */
export async function requireKey(c: Request): Promise<ApiKey> {
  const text = bearer(c);
  if (text !== null) return keyOf(c, text);
  const next = 'Send Authorization: Bearer and the key; the operator of this service creates keys.';
  throw unauthorised('KEY_REQUIRED', 'The request carries no API key.', next);
}

/**
 * Who submits: the API key of the request, or null for anybody where the setting WRITES allows that. A key that came
 * along and is not valid is refused either way, so that nobody believes in one.
 * @throws Problem 401 KEY_REQUIRED, KEY_UNKNOWN, KEY_REVOKED; SettingError
 */
export async function authorise(c: Request): Promise<ApiKey | null> {
  if (writesNeedKey(c.env)) return requireKey(c);
  const text = bearer(c);
  return text === null ? null : keyOf(c, text);
}

/** In a time that tells nothing of where the texts differ, or of the length of either. */
async function sameText(a: string, b: string): Promise<boolean> {
  const digest = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const [first, second] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(first, second);
}

/**
 * Lets the operator pass, and nobody where no key of the operator's is set.
 * @throws Problem 401 OPERATOR_CLOSED; SettingError where OPERATOR_KEY is shorter than 32 characters
 */
export async function requireOperator(c: Request): Promise<void> {
  const key = c.env.OPERATOR_KEY ?? '';
  if (key !== '' && key.length < MIN_OPERATOR_KEY)
    throw new SettingError(
      'OPERATOR_KEY',
      `has ${key.length} characters; give at least ${MIN_OPERATOR_KEY} random ones`,
    );
  const text = bearer(c);
  if (key !== '' && text !== null && (await sameText(text, key))) return;
  if (text !== null) await requireRate(c, null, 'failure');
  const next = 'Send Authorization: Bearer and the OPERATOR_KEY of this worker, where one is set.';
  throw unauthorised('OPERATOR_CLOSED', 'This route is for the operator of the service.', next);
}
