/**
 * What subscribers are told, and the outbox in the index that holds it until the queue has it. A row is written in the
 * transaction of what happened, so that nothing happens untold and nothing is told that did not happen.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

import type { z } from 'zod';

import type { eventType } from '../../api/operation.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Withdrawal } from '../store/types.ts';

export type EventType = z.output<typeof eventType>;

/** Something that happened, once: the id follows from type and subject. */
export interface ServiceEvent {
  readonly id: string;
  readonly type: EventType;
  /** What happened, in public facts alone. */
  readonly data: Readonly<Record<string, string | number>>;
  /** When it happened, seconds since 1970. */
  readonly at: number;
}

/** Older events are news to nobody: an index that is rebuilt enters them as sent. Seconds. */
export const NEWS_AGE = 86_400;

function event(type: EventType, subject: string, data: ServiceEvent['data'], at: number): ServiceEvent {
  const id = `evt_${toHex(sha256(utf8ToBytes(`${type}\n${subject}`))).slice(0, 32)}`;
  return { id, type, data, at };
}

/** Every step of a run is proven, by one verifier version and up to one adapter. */
export function runCompleteEvent(completion: {
  readonly runId: string;
  readonly verifier: string;
  readonly adapterRoot: string;
  readonly runDigest: string;
  readonly record: string;
  readonly completedAt: number;
}): ServiceEvent {
  const { runId, verifier, adapterRoot, runDigest, record, completedAt } = completion;
  const data = { runId, adapterRoot, verifier, runDigest, record, completedAt };
  return event('run.complete', `${runId} ${verifier} ${adapterRoot}`, data, completedAt);
}

/** A record in a registry, and the run that it is of. */
interface RecordFacts {
  readonly runId: string;
  readonly adapterRoot: string;
  readonly record: string;
  readonly chainId: number;
  readonly registry: string;
}

const inRegistry = ({ chainId, registry, record }: RecordFacts): string =>
  `${chainId} ${registry.toLowerCase()} ${record}`;

/**
 * A record stands in the registry.
 * @param about.anchoredAt since when, seconds since 1970
 * @param at when it was noticed
 */
export function adapterAnchoredEvent(about: RecordFacts & { readonly anchoredAt: number }, at: number): ServiceEvent {
  const { runId, adapterRoot, record, chainId, registry, anchoredAt } = about;
  const data = { runId, adapterRoot, record, chainId, registry, anchoredAt };
  return event('adapter.anchored', `${inRegistry(about)} ${anchoredAt}`, data, at);
}

/**
 * The owner revoked a record in the registry. A revocation that a reorganisation undid and that comes again in another
 * block is another event, since its end is another.
 * @param about.endedAt when the record was first superseded or revoked
 * @param at when it was noticed, seconds since 1970
 */
export function adapterRevokedEvent(about: RecordFacts & { readonly endedAt: number }, at: number): ServiceEvent {
  const { runId, adapterRoot, record, chainId, registry, endedAt } = about;
  const data = { runId, adapterRoot, record, chainId, registry, endedAt };
  return event('adapter.revoked', `${inRegistry(about)} ${endedAt}`, data, at);
}

/** A verifier version counts no more. @param digest of the version */
export function verifierWithdrawnEvent(digest: string, { at, reason }: Withdrawal): ServiceEvent {
  return event('verifier.withdrawn', digest, { verifier: digest, reason, withdrawnAt: at }, at);
}

/**
 * The statement that puts an event into the outbox; it does nothing where the event is there already.
 * @param now an event that is older than `NEWS_AGE` by then enters as sent
 */
export function insertEvent(index: D1Database, { id, type, data, at }: ServiceEvent, now: number): D1PreparedStatement {
  return index
    .prepare('INSERT OR IGNORE INTO events (id, type, data, created_at, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)')
    .bind(id, type, JSON.stringify(data), at, at < now - NEWS_AGE ? at : null);
}
