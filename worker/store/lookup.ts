/** What ids name, and which complete runs end there: the look-ups of the index. */
import type { Hex } from '../../protocol/attestation.ts';
import type { LookupRow, Named, ShownFile } from './types.ts';

/** Most files of an adapter that are told. */
export const MAX_FILES = 100;
/** Most files of an adapter that are stored; those that differ in metadata alone have the same tensor digest. */
export const MAX_STORED_FILES = 1000;
/** Most completions told of one adapter. */
const MAX_COMPLETIONS = 16;
/** Most runs that are counted at an adapter. */
const MAX_RUNS = 1000;

const COUNTING = 'completions CROSS JOIN verifiers ON verifiers.digest = completions.verifier';

/** The read queries by adapter; `?1` is a digest, or a JSON list of digests where the name is in the plural. */
export const LOOKUP_QUERIES = {
  roots: `SELECT ids.value AS id FROM json_each(?1) AS ids
    WHERE EXISTS (SELECT 1 FROM proofs WHERE proofs.adapter_out = ids.value)`,
  files: `SELECT files.file AS id, files.adapter_root AS root, MIN(files.shown_at) AS since
    FROM json_each(?1) AS ids CROSS JOIN files ON files.file = ids.value GROUP BY files.file, files.adapter_root`,
  tensors: `SELECT files.tensors AS id, files.adapter_root AS root, MIN(files.shown_at) AS since
    FROM json_each(?1) AS ids CROSS JOIN files ON files.tensors = ids.value GROUP BY files.tensors, files.adapter_root`,
  records: `SELECT completions.*, runs.owner, verifiers.withdrawn_at, verifiers.withdrawn_reason
    FROM json_each(?1) AS ids CROSS JOIN completions ON completions.record = '0x' || ids.value
    CROSS JOIN verifiers ON verifiers.digest = completions.verifier
    CROSS JOIN runs ON runs.run_id = completions.run_id`,
  completions: `SELECT * FROM (
      SELECT completions.*, runs.owner, verifiers.withdrawn_at, verifiers.withdrawn_reason, ROW_NUMBER() OVER (
        PARTITION BY completions.adapter_root
        ORDER BY verifiers.withdrawn_at IS NOT NULL, completions.completed_at, completions.run_id, completions.verifier
      ) AS number
      FROM json_each(?1) AS ids CROSS JOIN ${COUNTING} AND completions.adapter_root = ids.value
      CROSS JOIN runs ON runs.run_id = completions.run_id
    ) WHERE number <= ${MAX_COMPLETIONS} ORDER BY number`,
  /** Runs that end at an adapter: complete ones that count, complete ones, others; each group in order of time. */
  completeRuns: `SELECT completions.run_id AS id FROM ${COUNTING} WHERE completions.adapter_root = ?1
    GROUP BY completions.run_id
    ORDER BY MIN(verifiers.withdrawn_at IS NOT NULL), MIN(completions.completed_at), completions.run_id LIMIT ${MAX_RUNS}`,
  anyRuns: `SELECT id FROM (
      SELECT run_id AS id, MIN(received_at) AS since FROM proofs WHERE adapter_out = ?1 GROUP BY run_id LIMIT ${MAX_RUNS}
    ) ORDER BY since, id`,
  /** Those with digest ?2 first: among files that others showed before, the one that is asked about is told. */
  filesOf: `SELECT adapter_root, file, tensors, run_id, shown_at FROM files WHERE adapter_root = ?1
    ORDER BY file = ?2 DESC, tensors = ?2 DESC, shown_at, file LIMIT ${MAX_FILES}`,
  countFiles: 'SELECT COUNT(*) AS count FROM files WHERE adapter_root = ?1',
  ends: 'SELECT 1 AS ends FROM proofs WHERE adapter_out = ?1 AND run_id = ?2 LIMIT 1',
  isComplete: 'SELECT 1 AS complete FROM completions WHERE run_id = ?1 LIMIT 1',
} as const;

interface ShownRow {
  readonly id: string;
  /** Absent where the id is the root. */
  readonly root?: string;
  readonly since?: number;
}

interface CompletionRow {
  readonly run_id: string;
  readonly owner: string;
  readonly verifier: string;
  readonly adapter_root: string;
  readonly run_digest: string;
  readonly record: string;
  readonly completed_at: number;
  readonly withdrawn_at: number | null;
  readonly withdrawn_reason: string | null;
}

type FoundCompletion = LookupRow['completions'][number];

function completionOf(row: CompletionRow): FoundCompletion {
  const { withdrawn_at: at, withdrawn_reason: reason } = row;
  return {
    runId: row.run_id,
    owner: row.owner,
    verifier: row.verifier,
    adapterRoot: row.adapter_root,
    runDigest: row.run_digest,
    record: row.record as Hex,
    completedAt: row.completed_at,
    withdrawn: at === null ? null : { at, reason: reason ?? '' },
  };
}

/** An adapter that an id may name. */
interface Candidate {
  readonly id: string;
  readonly named: Named;
  /** When it was shown; 0 for a root and a record. */
  readonly since: number;
}

/** Nothing else ever takes the name of a root. */
const KINDS = ['root', 'file', 'tensors', 'record'] as const;

/** A record goes before all others that end at its adapter; there may be more of them than are told. */
function recordFirst(record: FoundCompletion, others: readonly FoundCompletion[]): FoundCompletion[] {
  return [record, ...others.filter((other) => other.record !== record.record)];
}

/** Adapters in the index. */
export class LookupIndex {
  readonly #index: D1Database;

  constructor(index: D1Database) {
    this.#index = index;
  }

  /**
   * What each id names and the complete runs that end there, in the order of the ids; two round trips.
   *
   * A file can be shown for several adapter roots, since roots bind the shape of a run too. One at which a run is
   * complete goes first: steps in a run's middle can be proven up to any weights, so whoever comes first with another
   * shape proves nothing, and must not take the name. Among these, the first shown.
   */
  async lookUp(ids: readonly string[]): Promise<LookupRow[]> {
    const list = JSON.stringify([...new Set(ids)]);
    const queries = (['roots', 'files', 'tensors', 'records'] as const).map((name) =>
      this.#index.prepare(LOOKUP_QUERIES[name]).bind(list),
    );
    const [roots, files, tensors, recordRows] = await this.#index.batch(queries);
    const shownAs = (kind: 'root' | 'file' | 'tensors', { results }: D1Result): Candidate[] =>
      (results as ShownRow[]).map(({ id, root = id, since = 0 }) => ({
        id,
        named: { kind, adapterRoot: root },
        since,
      }));
    const records = new Map((recordRows.results as CompletionRow[]).map((row) => [row.record, completionOf(row)]));
    const candidates: Candidate[] = [
      ...shownAs('root', roots),
      ...shownAs('file', files),
      ...shownAs('tensors', tensors),
      ...[...records.values()].map(({ record, adapterRoot, runId }) => {
        return { id: record.slice(2), named: { kind: 'record', adapterRoot, runId, record } as const, since: 0 };
      }),
    ];
    const byRoot = await this.#completions(candidates.map(({ named }) => named.adapterRoot));
    const complete = ({ named }: Candidate): boolean =>
      byRoot.get(named.adapterRoot)?.some((c) => c.withdrawn === null) ?? false;
    candidates.sort(
      (a, b) =>
        KINDS.indexOf(a.named.kind) - KINDS.indexOf(b.named.kind) ||
        Number(complete(b)) - Number(complete(a)) ||
        a.since - b.since ||
        (a.named.adapterRoot < b.named.adapterRoot ? -1 : 1),
    );
    const byId = new Map<string, Named>();
    for (const { id, named } of candidates) if (!byId.has(id)) byId.set(id, named);
    return ids.map((id) => {
      const named = byId.get(id);
      if (named === undefined) return { id, named: null, completions: [] };
      const completions = byRoot.get(named.adapterRoot) ?? [];
      const record = named.kind === 'record' ? records.get(named.record) : undefined;
      return { id, named, completions: record === undefined ? completions : recordFirst(record, completions) };
    });
  }

  async #completions(roots: readonly string[]): Promise<Map<string, FoundCompletion[]>> {
    if (roots.length === 0) return new Map();
    const query = this.#index.prepare(LOOKUP_QUERIES.completions).bind(JSON.stringify([...new Set(roots)]));
    const { results } = await query.all<CompletionRow>();
    return Map.groupBy(results.map(completionOf), ({ adapterRoot }) => adapterRoot);
  }

  /**
   * Runs with a proof that ends at an adapter: first those that are complete there under a verifier version that
   * counts, so that proofs of others don't hide them.
   * @param more how many there are besides, counted up to 1000
   */
  async runsEndingAt(adapterRoot: string, limit: number): Promise<{ runIds: string[]; more: number }> {
    const [complete, any] = await this.#index.batch<{ id: string }>([
      this.#index.prepare(LOOKUP_QUERIES.completeRuns).bind(adapterRoot),
      this.#index.prepare(LOOKUP_QUERIES.anyRuns).bind(adapterRoot),
    ]);
    const all = [...new Set([...complete.results, ...any.results].map(({ id }) => id))];
    return { runIds: all.slice(0, limit), more: Math.max(0, all.length - limit) };
  }

  /** Whether a stored proof of a run ends at an adapter. */
  async endsAt(runId: string, adapterRoot: string): Promise<boolean> {
    return (await this.#index.prepare(LOOKUP_QUERIES.ends).bind(adapterRoot, runId).first()) !== null;
  }

  /** Whether stored proofs chain to the last step of a run, whatever became of the verifier version. */
  async isComplete(runId: string): Promise<boolean> {
    return (await this.#index.prepare(LOOKUP_QUERIES.isComplete).bind(runId).first()) !== null;
  }

  /** How many files of an adapter are stored. */
  async countFiles(adapterRoot: string): Promise<number> {
    return (await this.#index.prepare(LOOKUP_QUERIES.countFiles).bind(adapterRoot).first<number>('count')) ?? 0;
  }

  /**
   * Files shown of an adapter, the first shown first, at most MAX_FILES.
   * @param id digest of a file, or of its tensors, that goes before all others
   */
  async filesOf(adapterRoot: string, id = ''): Promise<ShownFile[]> {
    const query = this.#index.prepare(LOOKUP_QUERIES.filesOf).bind(adapterRoot, id);
    const { results } = await query.all<{ file: string; tensors: string; run_id: string; shown_at: number }>();
    return results.map(({ file, tensors, run_id, shown_at }) => {
      return { file, tensors, adapterRoot, runId: run_id, shownAt: shown_at };
    });
  }
}
