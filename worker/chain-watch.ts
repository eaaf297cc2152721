/**
 * Looks for changes of records that nobody asks about, so that subscribers hear of revocations: in the registry's log,
 * and, since a log may have been missed and a node may serve none, at records that were not looked at for longest.
 *
 * The work follows from what happened on the chain and is bounded for each run; the next run goes on where one stopped.
 * Blocks are read at least twice, some time apart: a reorganisation may change them, and a provider's node that tells the
 * state may be behind the one that tells the log. A log is only a reason to ask for a record's state, and that only where
 * the index knows the record and not yet what the log says.
 */
import { RECORD_STATUSES } from '../api/registry-abi.ts';
import { chainSettings, clock, KEPT, keptOf, look, type AnchorRow } from './chain.ts';
import { readHead, readLogs, wantsFewer, type RecordLog } from './chain-logs.ts';
import type { ChainSettings, RecordStatus } from './chain-node.ts';
import type { Env } from './env.ts';

/** Most blocks of one request. Halved again and again it is 10, and then 5, the most that some providers' free plans allow. */
const SPAN = 640;
/** Requests for logs of one run, and milliseconds after which it begins no further one. */
const REQUESTS = 20;
const PATIENCE = 20_000;
/** Blocks that are read again, at least. */
const OVERLAP = 64;
/** Records of the log that one run looks at, where no single block has more; how many at once. */
const LOOKED = 200;
const AT_ONCE = 80;
/** Ids of one query. */
const IDS = 1_000;
/** Records that one run looks at without a log. */
const WATCHED = 20;

const CURSOR = 'SELECT next_block AS next, span FROM chain_cursors WHERE chain_id = ?1 AND registry = ?2';
const KEEP_CURSOR = `INSERT INTO chain_cursors (chain_id, registry, next_block, span) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (chain_id, registry) DO UPDATE SET next_block = MAX(next_block, ?3), span = ?4`;

const leastRecent = (which: string): string =>
  `SELECT record, anchor FROM anchors WHERE ${which} AND read_at <= ?1 ORDER BY read_at LIMIT ${WATCHED}`;
/** Records that were not looked at since `?1`: those that stand in the registry, and those that don't. */
export const LEAST_RECENT = [
  leastRecent("anchor ->> '$.status' IN ('anchored', 'superseded')"),
  leastRecent("coalesce(anchor ->> '$.status', 'unknown') = 'unknown'"),
] as const;

/** Seconds for which a record that was looked at is left alone. */
const FRESH = 60;

/** How far the log was read. */
interface Cursor {
  /** The first block that was never read. */
  readonly next: number;
  /** Blocks of one request, from what the node took before. */
  readonly span: number;
}

async function cursorOf(env: Env, { chainId, registry }: ChainSettings): Promise<Cursor | null> {
  return await env.INDEX.prepare(CURSOR).bind(chainId, registry).first<Cursor>();
}

async function keepCursor(env: Env, { chainId, registry }: ChainSettings, { next, span }: Cursor): Promise<void> {
  await env.INDEX.prepare(KEEP_CURSOR).bind(chainId, registry, next, span).run();
}

/** How far a status is on the way from `unknown` to `revoked`, which leads back only by a reorganisation. */
const rank = (status: RecordStatus): number => RECORD_STATUSES.indexOf(status);

interface Told {
  readonly row: AnchorRow;
  readonly block: number;
}

/** Records that the index knows and of which it does not know yet what the logs say, by their first block. */
async function newsOf(env: Env, settings: ChainSettings, logs: readonly RecordLog[]): Promise<Told[]> {
  const said = new Map<string, { block: number; rank: number }>();
  for (const { id, block, status } of logs) {
    const before = said.get(id) ?? { block, rank: 0 };
    said.set(id, { block: Math.min(before.block, block), rank: Math.max(before.rank, rank(status)) });
  }
  const ids = [...said.keys()];
  const news: Told[] = [];
  for (let i = 0; i < ids.length; i += IDS) {
    const query = env.INDEX.prepare(KEPT).bind(JSON.stringify(ids.slice(i, i + IDS)));
    const { results: rows } = await query.all<AnchorRow>();
    const kept = keptOf(rows, settings);
    for (const row of rows) {
      const about = said.get(row.record)!;
      if (rank(kept.get(row.record)?.status ?? 'unknown') < about.rank) news.push({ row, block: about.block });
    }
  }
  return news.sort((a, b) => a.block - b.block);
}

/**
 * Looks at the records that logs tell of, whole blocks of them, until there were `most`; at those of one block in any case.
 * @param to the last block of the logs
 * @returns how many, and the last block that is done
 */
async function handle(
  env: Env,
  settings: ChainSettings,
  { logs, to, most }: { readonly logs: readonly RecordLog[]; readonly to: number; readonly most: number },
  now: number,
): Promise<{ looked: number; done: number }> {
  const news = await newsOf(env, settings, logs);
  let done = to;
  if (news.length > most) done = Math.max(news[most].block - 1, news[0].block);
  const rows = news.filter(({ block }) => block <= done).map(({ row }) => row);
  for (let i = 0; i < rows.length; i += AT_ONCE) await look(env, settings, rows.slice(i, i + AT_ONCE), now, true);
  return { looked: rows.length, done };
}

/** Where a run begins to read. */
function startOf({ next, span }: Cursor, head: number): number {
  // A node that is behind, or of a chain that began anew, has nothing new, but its last blocks may be other ones.
  const fresh = Math.min(next, head + 1);
  // So few that at least half of the run's requests are left for what is new.
  const again = Math.min(Math.max(OVERLAP, head + 1 - fresh), SPAN, (REQUESTS / 2) * span);
  return Math.max(0, fresh - again);
}

/**
 * Reads the registry's log from where the last run stopped, and looks at the records that it tells of. The first run of all
 * begins at the present block.
 * @returns at how many records
 * @throws ChainReadError, SettingError
 */
export async function followLogs(env: Env, now: number = clock()): Promise<number> {
  const settings = chainSettings(env);
  if (settings === null) return 0;
  const end = Date.now() + PATIENCE;
  const head = await readHead(settings);
  const cursor = (await cursorOf(env, settings)) ?? { next: head + 1, span: SPAN };
  let { next, span } = cursor;
  let at = startOf(cursor, head);
  let looked = 0;
  let refused = false;
  for (let n = 0; n < REQUESTS && at <= head && looked < LOOKED && Date.now() < end; n++) {
    const to = Math.min(at + span - 1, head);
    let logs: RecordLog[];
    try {
      logs = await readLogs(settings, at, to);
    } catch (error) {
      refused = true;
      // The next run too asks for fewer: the node may have taken too long over so many.
      do span = Math.ceil(span / 2);
      while (span > 1 && span > to - at);
      await keepCursor(env, settings, { next, span });
      if (to > at && wantsFewer(error)) continue;
      throw error;
    }
    const handled = await handle(env, settings, { logs, to, most: LOOKED - looked }, now);
    looked += handled.looked;
    at = handled.done + 1;
    next = Math.max(next, at);
    await keepCursor(env, settings, { next, span });
  }
  if (!refused && span < SPAN) await keepCursor(env, settings, { next, span: Math.min(SPAN, 2 * span) });
  return looked;
}

/**
 * Looks at records of complete runs that were not looked at for longest: half of them from those that stand in the
 * registry, half from the others, so that neither waits for the other.
 * @returns at how many
 * @throws ChainReadError, SettingError
 */
export async function watchRecords(env: Env, now: number = clock()): Promise<number> {
  const settings = chainSettings(env);
  if (settings === null) return 0;
  const queries = LEAST_RECENT.map((query) => env.INDEX.prepare(query).bind(now - FRESH));
  const [standing, others] = (await env.INDEX.batch<AnchorRow>(queries)).map(({ results }) => results);
  const share = Math.max(WATCHED / 2, WATCHED - others.length);
  const rows = [...standing.slice(0, share), ...others].slice(0, WATCHED);
  if (rows.length > 0) await look(env, settings, rows, now);
  return rows.length;
}
