/** What the worker does every minute (`[triggers]` in `wrangler.toml`). */
import { watchRecords } from './chain.ts';
import { ChainReadError } from './chain-node.ts';
import type { Env } from './env.ts';
import { sendEvents } from './events/outbox.ts';
import { removeOldUploads } from './jobs.ts';

/** Seconds between two looks for uploads that were left behind. */
const CLEAN_EVERY = 3600;

/** Most times that one run empties the outbox: 100 events each. */
const ROUNDS = 10;

/**
 * Looks for revocations, removes what jobs left behind, then brings to the queue what is to be told. A node that fails keeps nobody from being told of
 * other things.
 */
export async function scheduled(env: Env): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  try {
    await watchRecords(env, now);
  } catch (error) {
    if (error instanceof ChainReadError) console.warn(JSON.stringify({ message: 'chain', why: error.reason }));
    else console.error(error);
  }
  if (now % CLEAN_EVERY < 60) await removeOldUploads(env, now).catch((error: unknown) => console.error(error));
  for (let round = 0; round < ROUNDS; round++) if ((await sendEvents(env, now)) === 0) return;
}
