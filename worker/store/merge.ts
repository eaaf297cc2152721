/**
 * Objects of R2 and rows of D1 side by side, a page at a time: both are in the order of the objects' names.
 *
 * The rows are read first. Every row was written after its object, and no object is ever removed, so a row without
 * object among them never had one; an object without row may just be on its way into the index.
 */
import { BrokenObjectError, type Facts } from './facts.ts';
import type { Pass, Read } from './passes.ts';
import type { Row } from './rows.ts';

/** Objects, and rows, of a page. */
export const PAGE = 150;
/** Objects read at the same time; each may be a quarter of a megabyte. */
const AT_ONCE = 10;

/** Where a page begins: behind a name, which may be none of the pass, and behind the row of an object. */
export interface Place {
  readonly name: string;
  readonly row: string;
}

/** An object, a row, or both. */
export interface Pair {
  readonly name: string;
  readonly row: Row | null;
  /** What the object says; null where there is none; an error where it is broken or has no place here. */
  readonly object: Read | BrokenObjectError | null;
}

export interface Page {
  readonly pairs: readonly Pair[];
  /** Objects that were read. */
  readonly looked: number;
  /** Where the next page begins; null after the last. */
  readonly next: Place | null;
}

/** Rows of a pass behind the row of an object. */
export function rowsQuery({ table: { name, key, values } }: Pass, fromStart: boolean): string {
  const after = fromStart ? '' : `WHERE (${key.join(', ')}) > (${key.map((_, i) => `?${i + 1}`).join(', ')})`;
  return `SELECT ${[...key, ...values].join(', ')} FROM ${name} ${after} ORDER BY ${key.join(', ')} LIMIT ${PAGE}`;
}

async function rowsAfter(index: D1Database, pass: Pass, place: Place): Promise<Map<string, Row>> {
  const key = pass.keyOf(place.row) ?? [];
  const query = index.prepare(rowsQuery(pass, key.length === 0)).bind(...key);
  const { results } = await query.all<Row>();
  return new Map(results.map((row) => [pass.nameOf(row), row]));
}

async function readObject(facts: Facts, pass: Pass, name: string): Promise<Read | BrokenObjectError> {
  if (pass.keyOf(name) === null) return new BrokenObjectError(name, 'no object of this name belongs here');
  try {
    return await pass.read(facts, name);
  } catch (error) {
    if (error instanceof BrokenObjectError) return error;
    throw error;
  }
}

/** The next page of a pass. */
export async function readPage(index: D1Database, facts: Facts, pass: Pass, place: Place): Promise<Page> {
  const rows = await rowsAfter(index, pass, place);
  const listed = await facts.names(pass.prefix, PAGE, place.name);
  const lastName = listed.names.at(-1);
  const lastRow = [...rows.keys()].at(-1);
  const ends: string[] = [];
  if (listed.more && lastName !== undefined) ends.push(lastName);
  if (rows.size === PAGE) ends.push(lastRow!);
  const end = ends.length === 0 ? null : ends.reduce((a, b) => (a < b ? a : b));
  const within = (name: string): boolean => end === null || name <= end;

  const names = listed.names.filter((name) => within(name) && pass.isPart?.(name) !== true);
  const pairs: Pair[] = [];
  for (let i = 0; i < names.length; i += AT_ONCE) {
    const read = async (name: string): Promise<Pair> => {
      return { name, row: rows.get(name) ?? null, object: await readObject(facts, pass, name) };
    };
    pairs.push(...(await Promise.all(names.slice(i, i + AT_ONCE).map(read))));
  }
  const seen = new Set(names);
  // Asked for once more: the listing may have begun behind it.
  const alone = await facts.missing([...rows.keys()].filter((name) => within(name) && !seen.has(name)));
  pairs.push(...alone.map((name) => ({ name, row: rows.get(name)!, object: null })));

  if (end === null) return { pairs, looked: names.length, next: null };
  const compared = [...names.filter((name) => pass.keyOf(name) !== null), ...[...rows.keys()].filter(within)];
  const row = compared.reduce((a, b) => (a > b ? a : b), place.row);
  return { pairs, looked: names.length, next: { name: end, row } };
}
