/**
 * Anchors of records. What the registry said last is kept in the index for a minute, so that a flood of readers is no
 * flood of questions to the node; when the node fails, the last word is told with its time.
 * `chain-watch.ts` looks at records without being asked, so that subscribers hear of revocations. The state is that of the
 * latest block.
 */
import type { z } from 'zod';

import type { anchor } from '../api/answers.ts';
import type { Hex } from '../protocol/attestation.ts';
import { ChainReadError, chainSettings, readRecords, readStatuses, type ChainSettings } from './chain-node.ts';
import type { Env } from './env.ts';
import { adapterAnchoredEvent, adapterRevokedEvent, insertEvent, type ServiceEvent } from './events/event.ts';

export { ChainReadError, chainSettings };

export type Anchor = z.output<typeof anchor>;

/** Seconds for which the registry's last word is taken for its present one. */
const FRESH = 60;
/** Records about which one answer asks the node. */
const MAX_ASKED = 200;
/** Seconds for which a node that failed is left alone by this isolate; else each reader would wait for it. */
const REST = 15;
const resting = new Map<string, number>();

const SAVE = `INSERT INTO anchors (record, anchor, read_at) VALUES (?1, ?2, ?3)
ON CONFLICT (record) DO UPDATE SET anchor = ?2, read_at = ?3 WHERE read_at <= ?3`;
/** `?1`: JSON of ids. */
export const KEPT = 'SELECT record, anchor FROM anchors WHERE record IN (SELECT value FROM json_each(?1))';
const RUNS = `SELECT record, run_id, adapter_root FROM completions
WHERE record IN (SELECT value FROM json_each(?1)) GROUP BY record`;

/** A row of `anchors`. */
export interface AnchorRow {
  readonly record: Hex;
  readonly anchor: string;
}

export type Kept = ReadonlyMap<string, Anchor>;

/** What is known by these rows of this very registry's records. */
export function keptOf(rows: readonly AnchorRow[], { chainId, registry }: ChainSettings): Kept {
  const anchors = rows.map((row) => JSON.parse(row.anchor) as Anchor | null);
  const ours = anchors.filter((a) => a !== null && a.chainId === chainId && a.registry === registry) as Anchor[];
  return new Map(ours.map((a) => [a.record, a]));
}

/** Asks the node, unless it failed a moment ago. @throws ChainReadError */
async function asked<T>(settings: ChainSettings, now: number, ask: () => Promise<T>): Promise<T> {
  if ((resting.get(settings.rpcUrl) ?? 0) > now) throw new ChainReadError('the node failed a moment ago');
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ChainReadError) resting.set(settings.rpcUrl, now + REST);
    throw error;
  }
}

/** What subscribers are told of an anchor that was otherwise before. */
function eventOf(
  { record, chainId, registry, status, anchoredAt, endedAt }: Anchor,
  run: { readonly run_id: string; readonly adapter_root: string },
  { known, now }: { readonly known: boolean; readonly now: number },
): ServiceEvent {
  const facts = { runId: run.run_id, adapterRoot: run.adapter_root, record, chainId, registry };
  // Of a record that was never looked at, the chain's time tells whether that is news.
  const noticed = (since: number | null): number => (known ? now : (since ?? now));
  if (status === 'revoked') return adapterRevokedEvent({ ...facts, endedAt: endedAt ?? now }, noticed(endedAt));
  return adapterAnchoredEvent({ ...facts, anchoredAt: anchoredAt ?? now }, noticed(anchoredAt));
}

/** Statuses that subscribers hear of. */
const TOLD: readonly Anchor['status'][] = ['anchored', 'revoked'];

/**
 * Keeps what was read, and in the same transaction the events of those that stand now, or are revoked, and did not or
 * were not before.
 * @param news whether the chain's log just told of them
 */
async function save(env: Env, anchors: readonly Anchor[], before: Kept, now: number, news: boolean): Promise<void> {
  const fresh = anchors.filter((a) => TOLD.includes(a.status) && before.get(a.record)?.status !== a.status);
  const about =
    fresh.length === 0
      ? []
      : (
          await env.INDEX.prepare(RUNS)
            .bind(JSON.stringify(fresh.map((a) => a.record)))
            .all<{ record: string; run_id: string; adapter_root: string }>()
        ).results;
  const events = fresh.flatMap((anchor) => {
    const run = about.find((row) => row.record === anchor.record);
    if (run === undefined) return [];
    const known = news || before.has(anchor.record);
    return [insertEvent(env.INDEX, eventOf(anchor, run, { known, now }), now)];
  });
  const rows = anchors.map((a) => env.INDEX.prepare(SAVE).bind(a.record, JSON.stringify(a), now));
  await env.INDEX.batch([...rows, ...events]);
}

async function readAndSave(
  env: Env,
  settings: ChainSettings,
  records: readonly Hex[],
  before: Kept,
  now: number,
  news = false,
): Promise<Anchor[]> {
  const { chainId, registry } = settings;
  const read = await asked(settings, now, () => readRecords(settings, records));
  const anchors = read.map((state, i): Anchor => ({ chainId, registry, record: records[i], ...state, readAt: now }));
  await save(env, anchors, before, now, news);
  return anchors;
}

/** Seconds since 1970. */
export const clock = (): number => Math.floor(Date.now() / 1000);

/** What is known of anchors. */
export interface Anchors {
  /** By record id; a record of which nothing is known is not in it. */
  readonly anchors: ReadonlyMap<string, Anchor>;
  /** Why the node could not be asked about those that are missing, or told with an earlier time. */
  readonly error: ChainReadError | null;
}

/**
 * Anchors of records of complete runs; null where no registry is set.
 * @param records ids, 0x and 64 hexadecimal digits
 * @throws SettingError
 */
export async function anchorsOf(env: Env, records: readonly string[], now: number = clock()): Promise<Anchors | null> {
  const settings = chainSettings(env);
  if (settings === null) return null;
  const ids = [...new Set(records)] as Hex[];
  if (ids.length === 0) return { anchors: new Map(), error: null };
  const { results } = await env.INDEX.prepare(KEPT).bind(JSON.stringify(ids)).all<AnchorRow>();
  const kept = keptOf(results, settings);
  const stale = ids.filter((id) => (kept.get(id)?.readAt ?? 0) <= now - FRESH);
  if (stale.length === 0) return { anchors: kept, error: null };
  try {
    const read = await readAndSave(env, settings, stale.slice(0, MAX_ASKED), kept, now);
    const error = stale.length > MAX_ASKED ? new ChainReadError('there are too many records for one answer') : null;
    return { anchors: new Map([...kept, ...read.map((a) => [a.record, a] as const)]), error };
  } catch (error) {
    if (error instanceof ChainReadError) return { anchors: kept, error };
    throw error;
  }
}

/**
 * The anchor of one record, as the registry told last; null where no registry is set. `readAt` tells when that was.
 * @throws ChainReadError where the node fails and nothing was known before; SettingError
 */
export async function anchorOf(env: Env, record: string, now: number = clock()): Promise<Anchor | null> {
  const found = await anchorsOf(env, [record], now);
  if (found === null) return null;
  const anchor = found.anchors.get(record);
  if (anchor !== undefined) return anchor;
  throw found.error ?? new ChainReadError('nothing is known of the record');
}

/**
 * Asks for the statuses of records, and reads again those that changed.
 * @param rows what is known of them
 * @param news whether the chain's log just told of them
 * @throws ChainReadError
 */
export async function look(
  env: Env,
  settings: ChainSettings,
  rows: readonly AnchorRow[],
  now: number,
  news = false,
): Promise<void> {
  const ids = rows.map(({ record }) => record);
  const kept = keptOf(rows, settings);
  const statuses = await asked(settings, now, () => readStatuses(settings, ids));
  const changed = ids.filter((id, i) => kept.get(id)?.status !== statuses[i]);
  const touch = env.INDEX.prepare('UPDATE anchors SET read_at = ?1 WHERE record = ?2 AND read_at < ?1');
  const same = ids.filter((id) => !changed.includes(id)).map((id) => touch.bind(now, id));
  if (same.length > 0) await env.INDEX.batch(same);
  if (changed.length > 0) await readAndSave(env, settings, changed, kept, now, news);
}
