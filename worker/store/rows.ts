/** Rows of the index, each from the one fact that it follows from. */
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import type { Manifest, WithdrawnVerifier } from './schemas.ts';
import type { AttesterWindow, Completion, ProofRecord, ShownFile, VerifierVersion } from './types.ts';

/** Values of a row by column. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A table of the index. */
export interface Table {
  readonly name: string;
  /** Columns of its primary key. */
  readonly key: readonly string[];
  /** The other columns. */
  readonly values: readonly string[];
}

export const RUNS: Table = {
  name: 'runs',
  key: ['run_id'],
  values: ['owner', 'base_root', 'data_root', 'steps', 'run'],
};

export const PROOFS: Table = {
  name: 'proofs',
  key: ['proof_digest', 'verifier'],
  values: [
    ...['statement_hash', 'run_id', 'first', 'steps', 'adapter_in', 'moments_in', 'adapter_out', 'moments_out'],
    ...['counts', 'losses', 'received_at'],
  ],
};

export const COMPLETIONS: Table = {
  name: 'completions',
  key: ['run_id', 'verifier', 'adapter_root'],
  values: ['run_digest', 'record', 'completed_at'],
};

export const FILES: Table = {
  name: 'files',
  key: ['adapter_root', 'file'],
  values: ['tensors', 'run_id', 'shown_at'],
};

export const VERIFIERS: Table = {
  name: 'verifiers',
  key: ['digest'],
  values: ['id', 'version', 'code_hash', 'withdrawn_at', 'withdrawn_reason'],
};

export const ATTESTERS: Table = {
  name: 'attesters',
  key: ['address', 'announced_at'],
  values: ['valid_from', 'valid_until'],
};

export const KEYS: Table = { name: 'keys', key: ['id'], values: ['name', 'hash', 'created_at', 'revoked_at'] };

export const WEBHOOKS: Table = {
  name: 'webhooks',
  key: ['id'],
  values: ['key_id', 'url', 'events', 'created_at', 'removed_at'],
};

export function runRow({ runId, run }: Manifest): Row {
  return {
    run_id: runId,
    owner: run.owner,
    base_root: run.baseRoot,
    data_root: run.dataRoot,
    steps: run.steps,
    run: canonicalJson(run as unknown as Json),
  };
}

export function proofRow({ proofDigest, verifier, statementHash, runId, receivedAt, statement }: ProofRecord): Row {
  const { first, steps, adapterIn, momentsIn, adapterOut, momentsOut, counts, losses } = statement.segment;
  return {
    proof_digest: proofDigest,
    verifier: verifier.digest,
    statement_hash: statementHash,
    run_id: runId,
    first,
    steps,
    adapter_in: adapterIn,
    moments_in: momentsIn,
    adapter_out: adapterOut,
    moments_out: momentsOut,
    counts: JSON.stringify(counts),
    losses: losses === null ? null : JSON.stringify(losses),
    received_at: receivedAt,
  };
}

export function completionRow(completion: Omit<Completion, 'withdrawn'>): Row {
  const { runId, verifier, adapterRoot, runDigest, record, completedAt } = completion;
  return {
    run_id: runId,
    verifier,
    adapter_root: adapterRoot,
    run_digest: runDigest,
    record,
    completed_at: completedAt,
  };
}

export function fileRow({ file, tensors, adapterRoot, runId, shownAt }: ShownFile): Row {
  return { adapter_root: adapterRoot, file, tensors, run_id: runId, shown_at: shownAt };
}

export function verifierRow({ digest, id, version, codeHash }: VerifierVersion): Row {
  return { digest, id, version, code_hash: codeHash, withdrawn_at: null, withdrawn_reason: null };
}

export function withdrawnVerifierRow(verifier: WithdrawnVerifier): Row {
  const { at, reason } = verifier.withdrawn;
  return { ...verifierRow(verifier), withdrawn_at: at, withdrawn_reason: reason };
}

/** @param at when it was announced, seconds since 1970 */
export function windowRow({ address, validFrom, validUntil }: AttesterWindow, at: number): Row {
  return { address, announced_at: at, valid_from: validFrom, valid_until: validUntil };
}

/** A statement with the row's values bound, for all columns of its table. */
function withRow(index: D1Database, { key, values }: Table, row: Row, sql: string): D1PreparedStatement {
  return index.prepare(sql).bind(...[...key, ...values].map((column) => row[column]));
}

function insertion({ name, key, values }: Table): string {
  const columns = [...key, ...values];
  return `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map((_, i) => `?${i + 1}`).join(', ')})`;
}

/** Inserts a row unless there is one of its key. */
export function insert(index: D1Database, table: Table, row: Row): D1PreparedStatement {
  return withRow(index, table, row, `${insertion(table)} ON CONFLICT DO NOTHING`);
}

/** Inserts a row, or makes the row of its key the same. */
export function upsert(index: D1Database, table: Table, row: Row): D1PreparedStatement {
  const updates = table.values.map((column) => `${column} = excluded.${column}`);
  const sql = `${insertion(table)} ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET ${updates.join(', ')}`;
  return withRow(index, table, row, sql);
}

/** Makes one row another of the same key, or removes it; nothing where it is no more what it was. */
export function replace(index: D1Database, table: Table, was: Row, becomes: Row | null): D1PreparedStatement {
  const columns = [...table.key, ...table.values];
  const before = columns.map((column, i) => `${column} IS ?${i + 1}`).join(' AND ');
  const old = columns.map((column) => was[column]);
  if (becomes === null) return index.prepare(`DELETE FROM ${table.name} WHERE ${before}`).bind(...old);
  const set = table.values.map((column, i) => `${column} = ?${columns.length + i + 1}`).join(', ');
  const values = table.values.map((column) => becomes[column]);
  return index.prepare(`UPDATE ${table.name} SET ${set} WHERE ${before}`).bind(...old, ...values);
}

/** Columns in which two rows differ. */
export function differingColumns({ key, values }: Table, a: Row, b: Row): string[] {
  return [...key, ...values].filter((column) => a[column] !== b[column]);
}
