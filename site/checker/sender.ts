/** Sends events to the page; progress at most 20 times a second. */
import type { Event } from '../messages.ts';

export type Send = (event: Event) => void;

const PAUSE = 50;

/** A function that sends the progress of one job; changes of `what` are always sent. */
export function progressOf(send: Send, job: number): (what: string, share: number | null) => void {
  let last = -Infinity;
  let said = '';
  return (what, share) => {
    const now = performance.now();
    if (what === said && now - last < PAUSE) return;
    [last, said] = [now, what];
    send({ kind: 'progress', job, what, share });
  };
}
