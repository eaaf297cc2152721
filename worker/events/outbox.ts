/** From the outbox in the index to the queue. */
import type { Env } from '../env.ts';
import type { EventType, ServiceEvent } from './event.ts';
import type { EventMessage } from './messages.ts';

/** Seconds that an invocation has to bring what it took to the queue; then another one takes it. */
const LEASE = 60;
/** A queue takes at most 100 messages at once. */
const PAGE = 100;

interface EventRow {
  readonly id: string;
  readonly type: EventType;
  readonly data: string;
  readonly created_at: number;
}

/** Takes events that nobody is at. Two that ask at once take different ones. */
const TAKE = `UPDATE events SET leased_until = ?1 + ${LEASE} WHERE id IN (
  SELECT id FROM events WHERE sent_at IS NULL AND leased_until <= ?1 ORDER BY created_at LIMIT ${PAGE}
) RETURNING id, type, data, created_at`;

const eventOf = ({ id, type, data, created_at: at }: EventRow): ServiceEvent => ({
  ...{ id, type, at },
  data: JSON.parse(data) as ServiceEvent['data'],
});

/**
 * Brings at most 100 events to the queue. After a crash in between they are brought again when the lease ends: an event
 * may come twice, and never not at all.
 * @param now seconds since 1970
 * @returns how many were brought
 */
export async function sendEvents(env: Pick<Env, 'INDEX' | 'EVENTS'>, now: number): Promise<number> {
  const { results } = await env.INDEX.prepare(TAKE).bind(now).all<EventRow>();
  if (results.length === 0) return 0;
  const events = results.map(eventOf).sort((a, b) => a.at - b.at);
  const messages = events.map((event): { body: EventMessage } => ({ body: { kind: 'event', event } }));
  await env.EVENTS.sendBatch(messages);
  const sent = env.INDEX.prepare('UPDATE events SET sent_at = ?1 WHERE id = ?2');
  await env.INDEX.batch(events.map(({ id }) => sent.bind(now, id)));
  return events.length;
}
