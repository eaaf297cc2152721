/**
 * Rebuilds the index from R2, or compares the two, a page at a time: a request may make about a thousand calls of R2
 * and D1. It can run while the worker serves, may be begun from an empty index, and goes on from any cursor.
 *
 * Rows are added, made what their objects say, and removed where they have no object; each only if the row still is what
 * was read, so that nothing newer is undone. Events that are no news any more are entered as sent.
 */
import type { Env } from '../env.ts';
import { Problem } from '../problems.ts';
import { BrokenObjectError, Facts } from './facts.ts';
import { RunIndex } from './index.ts';
import { readPage, type Pair, type Place } from './merge.ts';
import { proofObject, runObject } from './objects.ts';
import { passesOf, type Pass, type Read } from './passes.ts';
import {
  COMPLETIONS,
  differingColumns,
  insert,
  replace,
  VERIFIERS,
  verifierRow,
  type Row,
  type Table,
} from './rows.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { ProofRecord } from './types.ts';

/** `check`: nothing is written. */
export type Mode = 'mend' | 'check';

/** What one page came to; `indexPage` in `api/operation.ts`. */
export interface IndexPage {
  /** Where the next page begins; null after the last. */
  readonly cursor: string | null;
  /** Objects, and runs, that were looked at. */
  readonly looked: number;
  /** Rows that were written or removed. */
  readonly written: number;
  readonly differences: readonly Difference[];
}

interface Difference {
  readonly key: string;
  readonly what: string;
}

/** Runs whose completions are looked at in one page, and after how many of their proofs it ends. */
const RUNS_OF_PAGE = 50;
const PROOFS_OF_PAGE = 20_000;
/** Statements of one transaction; a row may have a hundred kilobytes. */
const BATCH = 20;

const COMPLETIONS_PASS = 'completions/';
/** Behind the records, the manifests and so all that completions follow from. */
const COMPLETIONS_AFTER = 'runs/';

interface Cursor extends Place {
  readonly pass: string;
}

const START: Place = { name: '', row: '' };

function parseCursor(text: string, passes: readonly string[]): Cursor {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    parts = null;
  }
  const texts = Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === 'string');
  if (!texts || !passes.includes((parts as string[])[0])) {
    const next = 'Give the cursor of the page before, or none to begin.';
    throw new Problem(400, { code: 'CURSOR', detail: 'The cursor is none of this worker.', next, check: 'cursor' });
  }
  const [pass, name, row] = parts as string[];
  return { pass, name, row };
}

const cursorText = ({ pass, name, row }: Cursor): string => JSON.stringify([pass, name, row]);

/** What a page finds, and the statements that mend it. */
class Findings {
  readonly differences: Difference[] = [];
  readonly #statements: D1PreparedStatement[] = [];
  readonly #index: D1Database;

  constructor(index: D1Database) {
    this.#index = index;
  }

  tell(key: string, what: string, ...mending: D1PreparedStatement[]): void {
    this.differences.push({ key, what });
    this.#statements.push(...mending);
  }

  /** Compares a row with what it has to be; null: with none. */
  compare(key: string, table: Table, row: Row | null, due: Row | null): void {
    if (row === null) {
      if (due !== null) this.tell(key, `${table.name} lacks its row`, insert(this.#index, table, due));
    } else if (due === null) {
      this.tell(key, `${table.name} has a row, and there is no object`, replace(this.#index, table, row, null));
    } else {
      const columns = differingColumns(table, row, due);
      const what = `its row in ${table.name} differs in ${columns.join(', ')}`;
      if (columns.length > 0) this.tell(key, what, replace(this.#index, table, row, due));
    }
  }

  /** @returns rows that were changed */
  async mend(): Promise<number> {
    let changed = 0;
    for (let i = 0; i < this.#statements.length; i += BATCH) {
      const results = await this.#index.batch(this.#statements.slice(i, i + BATCH));
      changed += results.reduce((sum, { meta }) => sum + meta.changes, 0);
    }
    return changed;
  }
}

interface Work {
  readonly env: Pick<Env, 'PROOFS' | 'INDEX'>;
  readonly facts: Facts;
  readonly findings: Findings;
  readonly mode: Mode;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What the records of a page need besides their own rows: bytes, manifests, verifier versions. */
async function compareBesides({ env, facts, findings, mode }: Work, records: readonly ProofRecord[]): Promise<void> {
  const proofs = new Set(records.map((record) => proofObject(record.proofDigest)));
  for (const name of await facts.missing([...proofs]))
    findings.tell(name, 'the proof of a record is missing; restore it from a copy');
  const manifests = new Map(records.map((record) => [runObject(record.runId), record]));
  for (const name of await facts.missing([...manifests.keys()])) {
    findings.tell(name, 'the manifest of a proven run is missing');
    const { runId, statement } = manifests.get(name)!;
    if (mode === 'mend') await facts.create(name, { runId, run: statement.run });
  }
  const versions = new Map(records.map(({ verifier }) => [verifier.digest, verifier]));
  const query = env.INDEX.prepare('SELECT * FROM verifiers WHERE digest IN (SELECT value FROM json_each(?1))');
  const { results } = await query.bind(JSON.stringify([...versions.keys()])).all<Row>();
  for (const [digest, version] of versions) {
    const row = results.find((each) => each.digest === digest) ?? null;
    const { withdrawn_at = null, withdrawn_reason = null } = row ?? {};
    findings.compare(`verifiers/${digest}`, VERIFIERS, row, {
      ...verifierRow(version),
      withdrawn_at,
      withdrawn_reason,
    });
  }
}

async function comparePairs(work: Work, pass: Pass, pairs: readonly Pair[]): Promise<void> {
  const { env, findings } = work;
  const reads: Read[] = [];
  for (const { name, row, object } of pairs) {
    if (object instanceof BrokenObjectError) {
      findings.tell(name, object.reason);
    } else if (object === null) {
      findings.compare(name, pass.table, row, (await pass.withoutObject?.(env.INDEX, row!)) ?? null);
    } else {
      findings.compare(name, pass.table, row, object.row);
      reads.push(object);
    }
  }
  const records = reads.map((read) => read.record).filter((record) => record !== undefined);
  if (records.length > 0) await compareBesides(work, records);
}

/** The runs, and completions of no run, behind a run id. */
export const COMPLETION_RUNS = `
  SELECT run_id FROM runs WHERE run_id > ?1 UNION SELECT run_id FROM completions WHERE run_id > ?1
  ORDER BY run_id LIMIT ${RUNS_OF_PAGE}`;

/** Completions follow from the rows of proofs. @returns how many runs were looked at, and the last where there are more */
async function compareCompletions(work: Work, after: string): Promise<{ looked: number; last: string | null }> {
  const { env, findings, now } = work;
  const runs = new RunIndex(env.INDEX);
  const { results } = await env.INDEX.prepare(COMPLETION_RUNS).bind(after).all<{ run_id: string }>();
  let looked = 0;
  let proofs = 0;
  for (const { run_id: runId } of results) {
    if (proofs > PROOFS_OF_PAGE) return { looked, last: results[looked - 1].run_id };
    const spec = await env.INDEX.prepare('SELECT run FROM runs WHERE run_id = ?1').bind(runId).first<string>('run');
    const report = await runs.completions(runId, spec === null ? null : (JSON.parse(spec) as RunSpec));
    const key = (verifier: string, root: string): string => `${COMPLETIONS_PASS}${runId}/${verifier}/${root}`;
    for (const completion of report.changes) {
      const what = 'completions lacks its row, or has another';
      findings.tell(
        key(completion.verifier, completion.adapterRoot),
        what,
        ...runs.completionStatements(completion, now),
      );
    }
    for (const row of report.stale)
      findings.compare(key(row.verifier as string, row.adapter_root as string), COMPLETIONS, row, null);
    proofs += report.looked;
    looked++;
  }
  return { looked, last: results.length === RUNS_OF_PAGE ? results.at(-1)!.run_id : null };
}

/**
 * One page.
 * @param cursor of the page before; null: from the start
 * @param now seconds since 1970
 * @throws Problem (400) for a cursor that is none
 */
export async function rebuildIndex(
  env: Pick<Env, 'PROOFS' | 'INDEX'>,
  mode: Mode,
  cursor: string | null,
  now: number = Math.floor(Date.now() / 1000),
): Promise<IndexPage> {
  const passes = passesOf(env);
  const order = passes.flatMap(({ prefix }) => (prefix === COMPLETIONS_AFTER ? [prefix, COMPLETIONS_PASS] : [prefix]));
  const at = cursor === null ? { pass: order[0], ...START } : parseCursor(cursor, order);
  const work: Work = { env, facts: new Facts(env.PROOFS), findings: new Findings(env.INDEX), mode, now };

  let looked: number;
  let next: Place | null;
  const pass = passes.find(({ prefix }) => prefix === at.pass);
  if (pass === undefined) {
    const { looked: runs, last } = await compareCompletions(work, at.row);
    looked = runs;
    next = last === null ? null : { name: '', row: last };
  } else {
    const page = await readPage(env.INDEX, work.facts, pass, at);
    await comparePairs(work, pass, page.pairs);
    ({ looked, next } = page);
  }
  const written = mode === 'mend' ? await work.findings.mend() : 0;
  const following = order[order.indexOf(at.pass) + 1];
  const place =
    next === null ? (following === undefined ? null : { pass: following, ...START }) : { pass: at.pass, ...next };
  return { cursor: place && cursorText(place), looked, written, differences: work.findings.differences };
}
