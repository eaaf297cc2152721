/** Events of a request go to the queue right after its answer; those of a crash wait for the schedule. */
import type { MiddlewareHandler } from 'hono';

import type { AppTypes } from '../env.ts';
import { sendEvents } from './outbox.ts';

const READS = ['GET', 'HEAD', 'OPTIONS'];

/** Sends what a successful write put into the outbox, without keeping the answer waiting. */
export const sendAfterwards: MiddlewareHandler<AppTypes> = async (c, next) => {
  await next();
  if (READS.includes(c.req.method) || c.req.path === '/adapters/lookup' || !c.res.ok) return;
  const sending = sendEvents(c.env, Math.floor(Date.now() / 1000));
  c.executionCtx.waitUntil(sending.catch((error: unknown) => console.error(error)));
};
