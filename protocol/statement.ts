/**
 * The public statement of a segment proof: which run, which steps, from which roots to which. Its canonical JSON is the
 * first thing in a proof and the first thing that the transcript absorbs.
 */
import { ascii, concat, fromHex, toHex } from './bytes.ts';
import { canonicalJson, type Json } from './canonical.ts';
import { sha256 } from './hash.ts';
import type { LoraShape, ModelShape, OptimizerSpec, Scales, Widths } from './program/config.ts';

import { parseStatement } from './statement-schema.ts';

/** How losses are published: each step's exact sum, or not at all. */
export type LossPolicy = 'exact' | 'hidden';

/** What a run is; public, chosen before its first step. Roots and digests are 32 bytes in lower-case hexadecimal. */
export interface RunSpec {
  readonly protocol: string;
  readonly parameters: string;
  readonly model: ModelShape;
  readonly quantisation: string;
  readonly tokenizer: string;
  /** The rule that cuts text into rows, with the ids of the tokens it inserts. */
  readonly rows: { readonly rule: string; readonly bos: number; readonly eos: number };
  readonly lora: LoraShape;
  readonly scales: Scales;
  readonly widths: Widths;
  readonly optimizer: OptimizerSpec;
  readonly batch: number;
  readonly seqLen: number;
  readonly dataRows: number;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly losses: LossPolicy;
  readonly baseRoot: string;
  readonly dataRoot: string;
  /** 32 bytes chosen by the trainer, or a public beacon's. */
  readonly nonce: string;
  /** Ethereum address, 0x and 40 lower-case hexadecimal digits. */
  readonly owner: string;
}

/** Steps [first, first + steps) of a run. */
export interface SegmentSpec {
  readonly first: number;
  readonly steps: number;
  /** Roots before the segment; null at the run's start, where adapter and moments are public. */
  readonly adapterIn: string | null;
  readonly momentsIn: string | null;
  readonly adapterOut: string;
  readonly momentsOut: string;
  /** Unmasked labels of each step. */
  readonly counts: readonly number[];
  /** Summed loss of each step, nats at scale 2^10; null where the run hides losses. */
  readonly losses: readonly number[] | null;
}

export interface Statement {
  readonly run: RunSpec;
  readonly segment: SegmentSpec;
}

function tagged(tag: string, ...parts: Uint8Array[]): Uint8Array {
  const name = ascii(tag);
  return sha256(concat(Uint8Array.of(name.length), name, ...parts));
}

/** runId = H(tag ‖ canonical JSON of the run). */
export function runId(run: RunSpec): Uint8Array {
  return tagged('zklora/run/v1', ascii(canonicalJson(run as unknown as Json)));
}

/** A 32-byte seed of the run: 'sampler' for the order of rows, 'adapter' for A₀. */
export function deriveSeed(id: Uint8Array, label: 'sampler' | 'adapter'): Uint8Array {
  return tagged(`zklora/seed/${label}/v1`, id);
}

export function encodeStatement(statement: Statement): Uint8Array {
  return ascii(canonicalJson(statement as unknown as Json));
}

export function statementHash(statement: Statement): Uint8Array {
  return tagged('zklora/statement/v1', encodeStatement(statement));
}

/** @throws DecodeError unless the bytes are the canonical encoding of a well-formed statement. */
export function decodeStatement(bytes: Uint8Array): Statement {
  return parseStatement(bytes, encodeStatement);
}

/**
 * Digest of a complete run: its id and the statement hash of every segment in order.
 * @param hashes one 32-byte statement hash a segment
 */
export function runDigest(id: Uint8Array, hashes: readonly Uint8Array[]): Uint8Array {
  return tagged('zklora/run-digest/v1', id, ...hashes);
}

export type CommitmentKind = 'base' | 'data' | 'adapter' | 'moments';

/** What a root binds besides its Merkle root. */
export interface CommitmentHeader {
  readonly kind: CommitmentKind;
  readonly logHeight: number;
  readonly columns: number;
  /** Rows of randomness that hide the others; 0 in a transparent commitment. */
  readonly randomRows: number;
  readonly logInvRate: number;
  /** Digest of the shape that gives the cells their meaning. */
  readonly shape: Uint8Array;
}

/** H("zklora/commit/v1" ‖ header ‖ Merkle root): the root that statements and contracts hold. */
export function commitmentRoot(header: CommitmentHeader, merkleRoot: Uint8Array): Uint8Array {
  const { kind, logHeight, columns, randomRows, logInvRate, shape } = header;
  const text = canonicalJson({ kind, logHeight, columns, randomRows, logInvRate, shape: toHex(shape) });
  return tagged('zklora/commit/v1', ascii(text), merkleRoot);
}

/** The part of a run that gives the cells of a commitment their meaning, as a digest. */
export function shapeDigest(
  run: Omit<RunSpec, 'baseRoot' | 'dataRoot' | 'nonce' | 'owner'>,
  kind: CommitmentKind,
): Uint8Array {
  const { model, quantisation, widths, scales, lora, seqLen, dataRows, tokenizer, rows, optimizer } = run;
  const limbs = widths.widest;
  const shapes: Record<CommitmentKind, unknown> = {
    // The scales say what real numbers the frozen integers stand for.
    base: { model, quantisation, frozen: widths.frozen, weight: scales.weight, activation: scales.activation },
    data: { seqLen, dataRows, tokenizer, rows },
    adapter: { model, lora, limbs },
    moments: { model, lora, limbs, optimizer: optimizer.kind },
  };
  return tagged('zklora/shape/v1', ascii(canonicalJson(shapes[kind] as Json)));
}

/** Bytes of a root given in a statement. */
export function rootBytes(root: string): Uint8Array {
  return fromHex(root, 32);
}
