/** What the index holds, for tests that compare it whole; and its rebuild from the first page to the last. */
import { env } from 'cloudflare:workers';

import { rebuildIndex, type IndexPage, type Mode } from '../../worker/store/rebuild.ts';
import type { Row } from '../../worker/store/rows.ts';

/** Tables that follow from R2. */
export const TABLES = [
  ...['runs', 'proofs', 'completions', 'files', 'verifiers', 'attesters', 'keys', 'webhooks'],
] as const;

/** Rows of a table, in the order of its columns. */
export async function rowsOf(table: string, where = '', ...values: (string | number)[]): Promise<Row[]> {
  const query = env.INDEX.prepare(`SELECT * FROM ${table} ${where}`).bind(...values);
  const { results } = await query.all<Row>();
  const key = (row: Row): string => JSON.stringify(Object.values(row));
  return results.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

export async function wholeIndex(): Promise<Record<string, Row[]>> {
  const tables = await Promise.all(TABLES.map(async (table) => [table, await rowsOf(table)] as const));
  return Object.fromEntries(tables);
}

/** Empties the index. */
export async function emptyIndex(): Promise<void> {
  const tables = [...TABLES, 'events', 'anchors', 'chain_cursors'];
  await env.INDEX.batch(tables.map((table) => env.INDEX.prepare(`DELETE FROM ${table}`)));
}

/** Empties bucket and index. */
export async function emptyStore(): Promise<void> {
  await emptyIndex();
  const { objects } = await env.PROOFS.list();
  await env.PROOFS.delete(objects.map((object) => object.key));
}

/** All pages, one after another. */
export async function rebuildAll(mode: Mode, now?: number): Promise<IndexPage & { readonly pages: number }> {
  let [looked, written, pages] = [0, 0, 0];
  const differences: { key: string; what: string }[] = [];
  let cursor: string | null = null;
  do {
    const page: IndexPage = await rebuildIndex(env, mode, cursor, now);
    looked += page.looked;
    written += page.written;
    differences.push(...page.differences);
    cursor = page.cursor;
    pages++;
  } while (cursor !== null);
  return { cursor, looked, written, differences, pages };
}
