/** What the queue carries: an event to be told, then one message a subscriber. */
import { z } from 'zod';

import { eventType } from '../../api/operation.ts';

const event = z.strictObject({
  id: z.string(),
  type: eventType,
  data: z.record(z.string(), z.union([z.string(), z.number()])),
  at: z.int(),
});

/** Messages may be of another version of the worker: they are checked like everything from outside. */
export const eventMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('event'), event }),
  z.strictObject({ kind: z.literal('delivery'), webhook: z.string(), event }),
]);

export type EventMessage = z.output<typeof eventMessage>;
