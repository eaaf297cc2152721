/** What the worker does every minute (`[triggers]` in `wrangler.toml`). */
import { ChainReadError } from './chain-node.ts';
import { followLogs, watchRecords } from './chain-watch.ts';
import type { Env } from './env.ts';
import { sendEvents } from './events/outbox.ts';
import { removeOldUploads } from './jobs.ts';

/** Seconds between two looks for uploads that were left behind. */
const CLEAN_EVERY = 3600;

/** Most times that one run empties the outbox: 100 events each. */
const ROUNDS = 10;

/** Runs one part; where the chain can't be read, the others go on. */
async function attempt(message: string, part: () => Promise<unknown>): Promise<void> {
  try {
    await part();
  } catch (error) {
    if (error instanceof ChainReadError) console.warn(JSON.stringify({ message, why: error.reason }));
    else console.error(error);
  }
}

/**
 * Looks for revocations, removes what jobs left behind, then brings to the queue what is to be told. A node that fails
 * keeps nobody from being told of other things.
 */
export async function scheduled(env: Env): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  await attempt('chain log', () => followLogs(env, now));
  await attempt('chain', () => watchRecords(env, now));
  if (now % CLEAN_EVERY < 60) await removeOldUploads(env, now).catch((error: unknown) => console.error(error));
  for (let round = 0; round < ROUNDS; round++) if ((await sendEvents(env, now)) === 0) return;
}
