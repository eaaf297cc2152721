/**
 * How many bodies one isolate holds, and what verifying them will take.
 *
 * An isolate has 128 MB and one thread. A verification is one synchronous computation, so there is never more than one
 * at a time, whatever is written here; what adds up are the bodies of those that wait, and the time until the last of
 * them is answered. Both are bounded at the door: whoever finds no place is told when to come again, at once.
 *
 * No client may fill the house alone, and some places, bytes and time are for holders of API keys alone, so that a
 * flood without keys shuts nobody out who has one. Time and memory are taken when the body is there: what takes minutes to
 * arrive costs whoever sends it next to nothing, and must not keep others from being verified meanwhile.
 *
 * A place is left when its request ends. The runtime drops the rest of a request whose client has hung up, `finally`
 * included, so that places also expire.
 */
import { Problem } from '../problems.ts';
import type { Client } from './client.ts';

export interface Bounds {
  /** Requests with a body at a time. */
  readonly places: number;
  /** Of them, those without an API key. */
  readonly withoutKey: number;
  /** Of them, those of one client. */
  readonly ofOne: number;
  /** Bytes of all bodies and of the largest verification among them. */
  readonly bytes: number;
  /** Milliseconds of all verifications that wait; a single one always fits. */
  readonly milliseconds: number;
  /** Of the bytes of bodies and of the milliseconds, the part that those without an API key may take. */
  readonly shareWithoutKey: number;
  /** Of both, the part that one client may take; a single submission always fits. */
  readonly shareOfOne: number;
}

export const BOUNDS: Bounds = {
  places: 32,
  withoutKey: 24,
  ofOne: 8,
  // 128 MB less what the runtime and the code take.
  bytes: 104 * 2 ** 20,
  milliseconds: 30_000,
  shareWithoutKey: 3 / 4,
  shareOfOne: 1 / 2,
};

/** What a request will take. */
export interface Need {
  /** Of its body. */
  readonly bytes: number;
  /** Bytes of its verification, while that runs. */
  readonly memory: number;
  readonly milliseconds: number;
}

interface Held {
  readonly client: Client;
  readonly need: Need;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface Place {
  /**
   * Takes what turned out to be needed, for so long.
   * @throws Problem 503 BUSY; the place is kept as it was
   */
  grow(need: Need, seconds: number): void;
  /** As `grow`, where all of it would fit at this moment; time and memory are left to others until the body is there. */
  await(need: Need, seconds: number): void;
  leave(): void;
}

const MAX_RETRY = 60;

const total = (held: readonly Held[], of: (need: Need) => number): number =>
  held.reduce((sum, { need }) => sum + of(need), 0);

export class Places {
  readonly #bounds: Bounds;
  readonly #held = new Map<symbol, Held>();

  constructor(bounds: Bounds = BOUNDS) {
    this.#bounds = bounds;
  }

  /** Requests that have a place now. */
  get taken(): number {
    this.#expire();
    return this.#held.size;
  }

  /**
   * @param seconds after which the place is free whatever became of the request
   * @throws Problem 503 BUSY, with Retry-After
   */
  take(client: Client, need: Need, seconds: number): Place {
    const id = Symbol(client.name);
    this.#put(id, client, need, seconds);
    return {
      grow: (grown, more) => this.#put(id, client, grown, more),
      await: (grown, more) => {
        this.#put(id, client, grown, more);
        this.#put(id, client, { ...grown, memory: 0, milliseconds: 0 }, more);
      },
      leave: () => void this.#held.delete(id),
    };
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, { until }] of this.#held) if (until < now) this.#held.delete(id);
  }

  #put(id: symbol, client: Client, need: Need, seconds: number): void {
    this.#expire();
    const others = [...this.#held].filter(([each]) => each !== id).map(([, held]) => held);
    const why = this.#full(others, client, need);
    if (why !== null)
      throw busy(
        why,
        total(others, (each) => each.milliseconds),
      );
    this.#held.set(id, { client, need, until: Date.now() + 1000 * seconds });
  }

  /** Whether a need does not fit a share any more of which these hold some. */
  #beyond(held: readonly Held[], need: Need, share: number): boolean {
    const { bytes, milliseconds } = this.#bounds;
    const [bodies, time] = [total(held, (each) => each.bytes), total(held, (each) => each.milliseconds)];
    return (
      (bodies > 0 && bodies + need.bytes > share * bytes) ||
      (time > 0 && time + need.milliseconds > share * milliseconds)
    );
  }

  /** Why there is no place, or null. */
  #full(others: readonly Held[], client: Client, need: Need): string | null {
    const { places, withoutKey, ofOne, bytes, milliseconds, shareWithoutKey, shareOfOne } = this.#bounds;
    const own = others.filter((held) => held.client.name === client.name);
    if (own.length >= ofOne) return `${ofOne} submissions of this client are under way`;
    const keyless = others.filter((held) => !held.client.keyed);
    if (others.length >= places || (!client.keyed && keyless.length >= withoutKey))
      return 'many submissions are under way';
    if (this.#beyond(own, need, shareOfOne)) return 'submissions of this client take their share';
    if (!client.keyed && this.#beyond(keyless, need, shareWithoutKey))
      return 'submissions without an API key take their share';
    const all = [...others.map((held) => held.need), need];
    const bodies = all.reduce((sum, each) => sum + each.bytes, 0);
    if (bodies + Math.max(...all.map((each) => each.memory)) > bytes) return 'its memory is taken';
    const waiting = total(others, (each) => each.milliseconds);
    return waiting > 0 && waiting + need.milliseconds > milliseconds ? 'many verifications wait for their turn' : null;
  }
}

function busy(why: string, waiting: number): Problem {
  const seconds = Math.min(MAX_RETRY, 1 + Math.ceil(waiting / 1000));
  return new Problem(503, {
    code: 'BUSY',
    detail: `The worker takes no more at this moment: ${why}.`,
    next: `Try again in ${seconds} seconds.`,
    evidence: { seconds },
    headers: { 'retry-after': String(seconds) },
  });
}

/** Those of this isolate. */
export const places = new Places();
