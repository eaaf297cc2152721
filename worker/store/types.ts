/** What the service keeps. Digests and roots are 32 bytes in lower-case hexadecimal; times are seconds since 1970. */
import type { Hex } from '../../protocol/attestation.ts';
import type { ChainSegment } from '../../protocol/chain.ts';
import type { RunSpec, Statement } from '../../protocol/statement.ts';

/** A verifier version: `digest` is 32 bytes over id, version, protocol and code hash. */
export interface VerifierVersion {
  readonly id: string;
  readonly version: string;
  readonly codeHash: string;
  readonly digest: string;
}

/** What is known of a proof that one verifier version verified. */
export interface ProofRecord {
  /** SHA-256 of the bytes. */
  readonly proofDigest: string;
  readonly proofBytes: number;
  readonly statementHash: string;
  readonly runId: string;
  readonly verifier: VerifierVersion;
  readonly soundnessBits: number;
  /** When it was verified. */
  readonly receivedAt: number;
  readonly statement: Statement;
}

/** A segment of a run, with what its statement publishes of each step. */
export interface SegmentEntry extends ChainSegment {
  readonly counts: readonly number[];
  readonly losses: readonly number[] | null;
}

/** A run and its segments in the index. */
export interface RunEntry {
  readonly runId: string;
  readonly run: RunSpec;
  /** By first step, then by time; at least one. */
  readonly segments: readonly SegmentEntry[];
  /** Proofs that are stored but not among the segments, since they are too many; they chain to no adapter. */
  readonly more: number;
}

/** An adapter file that somebody showed, and from which the worker computed the root. */
export interface ShownFile {
  /** SHA-256 of the file. */
  readonly file: string;
  /** SHA-256 of the file without metadata; `commitment/digests.ts`. */
  readonly tensors: string;
  readonly adapterRoot: string;
  readonly runId: string;
  readonly shownAt: number;
}

export interface Withdrawal {
  readonly at: number;
  readonly reason: string;
}

/** A verifier version that verified something here, or was withdrawn. */
export interface KnownVerifier extends VerifierVersion {
  readonly withdrawn: Withdrawal | null;
}

/** From when until when a key of this service attests. */
export interface AttesterWindow {
  readonly address: string;
  readonly validFrom: number;
  readonly validUntil: number | null;
}

/** What an id names: an adapter, or the record of one run that ends at it. */
export type Named =
  | { readonly kind: 'root' | 'file' | 'tensors'; readonly adapterRoot: string }
  | { readonly kind: 'record'; readonly adapterRoot: string; readonly runId: string; readonly record: Hex };

/** A complete run in the index. */
export interface Completion {
  readonly runId: string;
  /** Digest of the verifier version. */
  readonly verifier: string;
  readonly adapterRoot: string;
  readonly runDigest: string;
  /** Id of the registry's record. */
  readonly record: Hex;
  readonly completedAt: number;
  /** Of the verifier version; where it is withdrawn, this completion counts no more. */
  readonly withdrawn: Withdrawal | null;
}

/** What the index knows of one id. */
export interface LookupRow {
  readonly id: string;
  readonly named: Named | null;
  /**
   * Complete runs that end at the adapter: those that count first, among them the first completed first. Before all
   * others the one of the record, where the id names one.
   */
  readonly completions: readonly (Completion & { readonly owner: string })[];
}
