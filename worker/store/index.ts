/** The index in D1, what the store writes to it and reads of runs. It follows from the facts; see `rebuild.ts`. */
import { insertEvent, runCompleteEvent } from '../events/event.ts';
import { Problem } from '../problems.ts';
import { completionsOf } from './completion.ts';
import {
  COMPLETIONS,
  completionRow,
  insert,
  PROOFS,
  proofRow,
  RUNS,
  runRow,
  upsert,
  VERIFIERS,
  verifierRow,
  type Row,
} from './rows.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { Completion, ProofRecord, RunEntry, SegmentEntry } from './types.ts';

/** Most proofs of a run that are read for one answer. */
export const MAX_ENTRIES = 10_000;
/**
 * Most steps of which label counts and losses are read for one answer. A proof can have 4096, so that a few hundred small
 * ones would fill the memory of everybody's requests.
 */
export const MAX_STEPS = 2 ** 17;
/**
 * Most proofs of one statement by one verifier version. Each says the same; whoever can prove a statement once can
 * vary the proof at will, and would fill the run with it.
 */
export const MAX_PROOFS_OF_STATEMENT = 16;

const SEGMENT_COLUMNS = [
  ...['proof_digest', 'verifier', 'statement_hash', 'first', 'steps', 'adapter_in', 'moments_in'],
  ...['adapter_out', 'moments_out', 'received_at', 'counts', 'losses'],
]
  .map((column) => `proofs.${column}`)
  .join(', ');

/**
 * The segments that chain from step 0 of run ?1, whatever else is stored of the run: nobody can prove another adapter
 * after a step than the true one, but anybody can prove steps in the middle, from an adapter of his own.
 */
const CHAINED = `
  WITH RECURSIVE
    place (step, adapter, moments, verifier) AS (
      SELECT DISTINCT 0, NULL, NULL, verifier FROM proofs WHERE run_id = ?1 AND first = 0 AND adapter_in IS NULL
      UNION
      SELECT proofs.first + proofs.steps, proofs.adapter_out, proofs.moments_out, proofs.verifier
      FROM place CROSS JOIN proofs ON proofs.run_id = ?1 AND proofs.first = place.step
        AND proofs.verifier = place.verifier AND proofs.adapter_in IS place.adapter
        AND proofs.moments_in IS place.moments
    ),
    chained AS (
      SELECT proofs.rowid AS id, proofs.first, proofs.steps, proofs.received_at, proofs.proof_digest, proofs.verifier
      FROM place CROSS JOIN proofs ON proofs.run_id = ?1 AND proofs.first = place.step
        AND proofs.verifier = place.verifier AND proofs.adapter_in IS place.adapter
        AND proofs.moments_in IS place.moments
    )`;

/** Columns of a segment of which label counts and losses are not told. */
const WITHOUT_STEPS = SEGMENT_COLUMNS.replace('proofs.counts, proofs.losses', "'[]' AS counts, NULL AS losses");

/** Columns of a light row's segment: label counts and losses of the first ?3 steps alone. */
const FIRST_STEPS = SEGMENT_COLUMNS.replace(
  'proofs.counts, proofs.losses',
  `CASE WHEN light.steps <= ?3 THEN proofs.counts ELSE '[]' END AS counts,
   CASE WHEN light.steps <= ?3 THEN proofs.losses END AS losses`,
);

/** Whole rows of the light rows `from`, in the order of steps, up to ?2 rows. */
const told = (from: string): string => `
  SELECT ${FIRST_STEPS}, light.steps <= ?3 AS whole
  FROM (
    SELECT id, ROW_NUMBER() OVER in_order AS number, SUM(steps) OVER in_order AS steps FROM ${from}
    WINDOW in_order AS (ORDER BY first, received_at, proof_digest, verifier ROWS UNBOUNDED PRECEDING)
  ) AS light CROSS JOIN proofs ON proofs.rowid = light.id
  WHERE light.number <= ?2
  ORDER BY light.number`;

/** The read queries of a run; `?1` is its id. */
export const RUN_QUERIES = {
  run: 'SELECT run FROM runs WHERE run_id = ?1',
  spec: 'SELECT run FROM runs WHERE run_id = ?1 AND EXISTS (SELECT 1 FROM proofs WHERE run_id = ?1)',
  count: 'SELECT COUNT(*) AS count FROM proofs WHERE run_id = ?1',
  segments: told(
    '(SELECT rowid AS id, first, steps, received_at, proof_digest, verifier FROM proofs WHERE run_id = ?1)',
  ),
  chainedCount: `${CHAINED} SELECT COUNT(*) AS count FROM chained`,
  chained: `${CHAINED} ${told('chained')}`,
  /**
   * The chained segments, without what a chain does not need, where they reach step ?2; none else. In order of time, so
   * that no later ones push those of a complete chain out.
   */
  complete: `${CHAINED}
    SELECT ${WITHOUT_STEPS}
    FROM chained CROSS JOIN proofs ON proofs.rowid = chained.id
    WHERE EXISTS (SELECT 1 FROM place WHERE step = ?2)
    ORDER BY chained.received_at LIMIT ${MAX_ENTRIES}`,
  completions:
    'SELECT run_id, verifier, adapter_root, run_digest, record, completed_at FROM completions WHERE run_id = ?1',
  /** Proofs of a statement besides one: by run, first step, verifier, adapter before, statement, proof. */
  same: `SELECT COUNT(*) AS count FROM proofs WHERE run_id = ?1 AND first = ?2 AND verifier = ?3
    AND adapter_in IS ?4 AND statement_hash = ?5 AND proof_digest <> ?6`,
} as const;

interface SegmentRow {
  readonly proof_digest: string;
  readonly verifier: string;
  readonly statement_hash: string;
  readonly first: number;
  readonly steps: number;
  readonly adapter_in: string | null;
  readonly moments_in: string | null;
  readonly adapter_out: string;
  readonly moments_out: string;
  readonly received_at: number;
  readonly counts: string;
  readonly losses: string | null;
  /** 0 where counts and losses are left out, since there are too many. */
  readonly whole?: number;
}

function segmentOf(row: SegmentRow): SegmentEntry {
  return {
    proofDigest: row.proof_digest,
    statementHash: row.statement_hash,
    first: row.first,
    steps: row.steps,
    adapterIn: row.adapter_in,
    momentsIn: row.moments_in,
    adapterOut: row.adapter_out,
    momentsOut: row.moments_out,
    verifier: row.verifier,
    receivedAt: row.received_at,
    counts: JSON.parse(row.counts) as number[],
    losses: row.losses === null ? null : (JSON.parse(row.losses) as number[]),
  };
}

/** Rows, with counts and losses also where only `others` have them. */
function merged(rows: readonly SegmentRow[], others: readonly SegmentRow[]): SegmentRow[] {
  const keyOf = ({ proof_digest: proof, verifier }: SegmentRow): string => `${proof} ${verifier}`;
  const told = new Map(others.map((row) => [keyOf(row), row]));
  return rows.map((row) => (row.whole === 0 ? (told.get(keyOf(row)) ?? row) : row));
}

/** Completions of a run against those in the index. */
export interface CompletionReport {
  /** Those that the index lacks, or has otherwise. */
  readonly changes: readonly Omit<Completion, 'withdrawn'>[];
  /** Rows of completions that do not follow from the proofs. */
  readonly stale: readonly Row[];
  /** Segments that were looked at. */
  readonly looked: number;
}

function tooMany(detail: string, next: string): Problem {
  return new Problem(503, { code: 'TOO_MANY_PROOFS', detail, next });
}

/** Runs in the index. */
export class RunIndex {
  readonly #index: D1Database;

  constructor(index: D1Database) {
    this.#index = index;
  }

  /** @throws Problem (503) where enough proofs of the record's statement are stored */
  async requireRoom({ runId, proofDigest, statementHash, verifier, statement }: ProofRecord): Promise<void> {
    const { first, adapterIn } = statement.segment;
    const others = await this.#index
      .prepare(RUN_QUERIES.same)
      .bind(runId, first, verifier.digest, adapterIn, statementHash, proofDigest)
      .first<number>('count');
    if (others! < MAX_PROOFS_OF_STATEMENT) return;
    const detail = `${others} other proofs of this very statement are stored; this one would say no more.`;
    throw tooMany(detail, 'Use one of them: GET /runs/{id} lists them.');
  }

  /** Enters a record where it is missing, and what its run thereby completes. @param now seconds since 1970 */
  async enter(record: ProofRecord, now: number): Promise<void> {
    const { runId, verifier, statement } = record;
    await this.#index.batch([
      insert(this.#index, VERIFIERS, verifierRow(verifier)),
      insert(this.#index, RUNS, runRow({ runId, run: statement.run })),
      insert(this.#index, PROOFS, proofRow(record)),
    ]);
    // Read after that write: of two last segments at once, whichever reads later sees both.
    await this.complete(runId, statement.run, now);
  }

  /**
   * Enters the completions of a run that are missing or different, each in one transaction with what is to be told of it.
   * @param now seconds since 1970
   */
  async complete(runId: string, run: RunSpec, now: number): Promise<void> {
    const { changes } = await this.completions(runId, run);
    if (changes.length > 0) await this.#index.batch(changes.flatMap((each) => this.completionStatements(each, now)));
  }

  /** The statements that enter a completion and what is to be told of it. */
  completionStatements(completion: Omit<Completion, 'withdrawn'>, now: number): D1PreparedStatement[] {
    return [
      upsert(this.#index, COMPLETIONS, completionRow(completion)),
      insertEvent(this.#index, runCompleteEvent(completion), now),
      this.#index
        .prepare("INSERT OR IGNORE INTO anchors (record, anchor, read_at) VALUES (?1, 'null', 0)")
        .bind(completion.record),
    ];
  }

  /**
   * What follows from the proofs of a run.
   * @param run null where the index has none: then nothing follows
   */
  async completions(runId: string, run: RunSpec | null): Promise<CompletionReport> {
    const [segments, known] = await this.#index.batch([
      this.#index.prepare(RUN_QUERIES.complete).bind(runId, run?.steps ?? 0),
      this.#index.prepare(RUN_QUERIES.completions).bind(runId),
    ]);
    const rows = known.results as Row[];
    const entries = (segments.results as SegmentRow[]).map(segmentOf);
    const following = run === null ? [] : completionsOf(runId, run, entries);
    const same = (a: Row, b: Row, columns: readonly string[]): boolean => columns.every((c) => a[c] === b[c]);
    const all = [...COMPLETIONS.key, ...COMPLETIONS.values];
    return {
      changes: following.filter((each) => !rows.some((row) => same(row, completionRow(each), all))),
      stale: rows.filter((row) => !following.some((each) => same(row, completionRow(each), COMPLETIONS.key))),
      looked: entries.length,
    };
  }

  /** What a run declares; null where none of its proofs is stored. */
  async spec(runId: string): Promise<RunSpec | null> {
    const text = await this.#index.prepare(RUN_QUERIES.spec).bind(runId).first<string>('run');
    return text === null ? null : (JSON.parse(text) as RunSpec);
  }

  /**
   * A run and its proofs. Where there are more than MAX_ENTRIES, only those that chain from step 0 are told, so that
   * nobody can hide a run behind proofs of steps in its middle. Where they are of more than so many steps, label counts
   * and losses are told of the first ones, of those that chain and of all others.
   * @throws Problem (503) where even those are too many
   */
  async read(runId: string, steps = MAX_STEPS): Promise<RunEntry | null> {
    const [run, count, segments] = await this.#index.batch<Record<string, unknown>>([
      this.#index.prepare(RUN_QUERIES.run).bind(runId),
      this.#index.prepare(RUN_QUERIES.count).bind(runId),
      this.#index.prepare(RUN_QUERIES.segments).bind(runId, MAX_ENTRIES, steps),
    ]);
    const all = count.results[0].count as number;
    if (run.results.length === 0 || all === 0) return null;
    const spec = JSON.parse(run.results[0].run as string) as RunSpec;
    let rows = segments.results as unknown as SegmentRow[];
    if (rows.length < all || rows.some(({ whole }) => whole === 0)) {
      const chained = await this.#chained(runId, steps);
      rows = rows.length === all ? merged(rows, chained) : chained.length > 0 ? chained : rows;
    }
    return { runId, run: spec, segments: rows.map(segmentOf), more: all - rows.length };
  }

  async #chained(runId: string, steps: number): Promise<SegmentRow[]> {
    const [count, segments] = await this.#index.batch<Record<string, unknown>>([
      this.#index.prepare(RUN_QUERIES.chainedCount).bind(runId),
      this.#index.prepare(RUN_QUERIES.chained).bind(runId, MAX_ENTRIES, steps),
    ]);
    if (segments.results.length === count.results[0].count) return segments.results as unknown as SegmentRow[];
    const detail = `More than ${MAX_ENTRIES} proofs chain in run ${runId}.`;
    throw tooMany(detail, 'Read its proofs one by one: GET /proofs/{sha256}.');
  }
}
