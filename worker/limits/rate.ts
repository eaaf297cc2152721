/**
 * Requests a minute, by Cloudflare's counters (`[[ratelimits]]` in wrangler.toml). Each location counts for itself, and
 * lets a few more pass than told: they keep floods away and are no accounts.
 */
import type { Context } from 'hono';

import type { AppTypes, Env } from '../env.ts';
import { Problem } from '../problems.ts';
import type { ApiKey } from '../store/keys.ts';
import { clientOf, type Client } from './client.ts';

type Request = Pick<Context<AppTypes>, 'env' | 'req'>;

/** Seconds that the counters look back, as wrangler.toml sets them. */
const PERIOD = 60;

/** What is counted apart, so that one does not use up the other. */
export type Kind = 'write' | 'lookup' | 'failure';

function limitOf(kind: Kind, { keyed }: Client, env: Env): RateLimit {
  if (kind === 'lookup') return env.LOOKUP_LIMIT;
  return keyed ? env.KEY_LIMIT : env.ADDRESS_LIMIT;
}

/**
 * Counts a request.
 * @param key what it came with; null: it counts against its address
 * @returns whom it counted against
 * @throws Problem 429 RATE, with Retry-After
 */
export async function requireRate(c: Request, key: ApiKey | null, kind: Kind): Promise<Client> {
  const client = clientOf(c, key);
  const { success } = await limitOf(kind, client, c.env).limit({ key: `${kind} ${client.name}` });
  if (success) return client;
  const whose = client.keyed ? 'of this API key' : 'from this address';
  const what = { write: 'submissions', lookup: 'look-ups', failure: 'requests with a wrong key' }[kind];
  throw new Problem(429, {
    code: 'RATE',
    detail: `There were too many ${what} ${whose} within ${PERIOD} seconds.`,
    next: `Try again in ${PERIOD} seconds${client.keyed ? '' : ', or ask the operator for an API key'}.`,
    evidence: { seconds: PERIOD },
    headers: { 'retry-after': String(PERIOD) },
  });
}
