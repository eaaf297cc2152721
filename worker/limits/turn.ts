/**
 * Turns of verifications, so that look-ups don't starve behind a queue of them.
 *
 * A verification stops everything else in its isolate. Look-ups need a few turns of the event loop each, for index and
 * bucket, and would wait for a whole verification at every one of them. So each verification waits for its turn: until
 * the loop has gone round since the last one, and until the look-ups under way are answered, which is a few
 * milliseconds, or have had their time. A look-up that comes during a verification waits for that one alone.
 *
 * Nobody holds a lock: each waits by timers of its own, since the runtime may drop any request at any time. Who waits
 * longest mostly goes first.
 */
import type { MiddlewareHandler } from 'hono';

import type { AppTypes } from '../env.ts';

/** Milliseconds that a verification waits at least, and between two looks. */
const PAUSE = 5;

/** Milliseconds that look-ups may keep a verification waiting. */
const GIVE_WAY = 250;

/** Milliseconds after which a look-up has been dropped, or hangs at what it asked. */
const LOST = 1000;

const lookups = new Map<symbol, number>();
let verified = 0;

/** Look-ups under way. */
function underWay(): number {
  const now = Date.now();
  for (const [id, since] of lookups) if (now - since > LOST) lookups.delete(id);
  return lookups.size;
}

const isLookup = (method: string, path: string): boolean => method === 'GET' || path === '/adapters/lookup';

/** Counts look-ups. */
export const countLookups: MiddlewareHandler<AppTypes> = async (c, next) => {
  if (!isLookup(c.req.method, c.req.path)) return next();
  const id = Symbol(c.req.path);
  lookups.set(id, Date.now());
  try {
    await next();
  } finally {
    lookups.delete(id);
  }
};

/** Computes when it is its turn. @param compute synchronous */
export async function inTurn<T>(compute: () => T): Promise<T> {
  const since = Date.now();
  for (;;) {
    const before = verified;
    await scheduler.wait(PAUSE);
    if (verified !== before) continue;
    if (underWay() === 0 || Date.now() - since > GIVE_WAY) break;
  }
  try {
    return compute();
  } finally {
    verified++;
  }
}
