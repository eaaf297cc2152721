/**
 * What a statement asks of whoever verifies a proof of it: time, memory, and how long the proof is. A statement of a
 * kilobyte can ask for hours and gigabytes, so all of it is computed from the statement alone and refused before
 * anything else is read.
 */
import { toHex } from '../protocol/bytes.ts';
import { costOfShape } from '../protocol/cost.ts';
import { DecodeError } from '../protocol/errors.ts';
import { sha256 } from '../protocol/hash.ts';
import { HEADER_BYTES, isMagic } from '../protocol/instance.ts';
import { proofShape, sizeOfShape } from '../protocol/size.ts';
import { MAX_STATEMENT_BYTES } from '../protocol/statement-schema.ts';
import { readProofStatement } from '../protocol/verify.ts';
import type { BodyReader } from './body.ts';
import { limitOf, maxProofBytes, type Env } from './env.ts';
import { inTurn } from './limits/turn.ts';
import { Problem } from './problems.ts';

/** Bytes that a verification may hold, of an isolate's 128 MB. */
export const MAX_VERIFICATION_MEMORY = 96 * 2 ** 20;

/** Longest front of a proof, bytes. */
export const MAX_HEAD_BYTES = HEADER_BYTES + MAX_STATEMENT_BYTES;

/** Upper bounds, by the models of `protocol/cost.ts` and `protocol/size.ts`. */
export interface Estimate {
  readonly milliseconds: number;
  /** Bytes that the verification holds, the proof among them. */
  readonly memory: number;
  /** Bytes of the proof. */
  readonly size: { readonly min: number; readonly max: number };
}

/**
 * Reads the front of a proof: magic, length of the statement, statement.
 * @throws DecodeError, and as `BodyReader`
 */
export async function readHead(body: BodyReader): Promise<Uint8Array<ArrayBuffer>> {
  const first = await body.upTo(HEADER_BYTES);
  if (first.length === 0) await body.whole(0);
  if (first.length < HEADER_BYTES || !isMagic(first)) {
    await body.stop();
    throw new DecodeError('MAGIC', 'proof', 0, 'these bytes do not begin like a zkLoRA proof');
  }
  const length = HEADER_BYTES + new DataView(first.buffer).getUint32(4);
  const bytes = length > MAX_HEAD_BYTES ? first : await body.upTo(length);
  return bytes.slice(0, length);
}

/** Estimates of the last statements: the model itself takes tens of milliseconds. */
const KEPT = 64;
const estimates = new Map<string, Estimate>();

/**
 * @param head the front of a proof; not a byte behind it is looked at
 * @throws DecodeError for one that has no statement; VerificationError for a statement that no verifier accepts
 */
export async function estimate(head: Uint8Array): Promise<Estimate> {
  const key = toHex(sha256(head));
  const known = estimates.get(key);
  if (known !== undefined) return known;
  const made = await inTurn(() => estimateOf(head));
  for (const oldest of estimates.keys()) if (estimates.size >= KEPT) estimates.delete(oldest);
  estimates.set(key, made);
  return made;
}

function estimateOf(head: Uint8Array): Estimate {
  const statement = readProofStatement(head);
  const shape = proofShape(statement);
  const { milliseconds, memoryBound } = costOfShape(shape, statement);
  return { milliseconds: Math.ceil(milliseconds), memory: memoryBound, size: sizeOfShape(shape) };
}

function tooCostly(what: 'time' | 'memory', cost: number, limit: number): Problem {
  const unit = what === 'time' ? 'ms of CPU time' : 'bytes of memory';
  const raise = what === 'time' ? ', or ask the operator to raise MAX_COST' : '';
  return new Problem(422, {
    code: 'COST',
    detail: `Verifying a proof of this statement may take ${cost} ${unit}; this worker spends at most ${limit}.`,
    next: `Prove fewer steps at a time, verify it with ./zklora verify${raise}.`,
    check: 'cost',
    evidence: { what, cost, limit },
  });
}

/** @throws Problem (422) for a statement that costs more than the worker spends; SettingError */
export function requireAffordable({ milliseconds, memory }: Estimate, env: Env): void {
  const limit = limitOf(env, 'MAX_COST');
  if (milliseconds > limit) throw tooCostly('time', milliseconds, limit);
  if (memory > MAX_VERIFICATION_MEMORY) throw tooCostly('memory', memory, MAX_VERIFICATION_MEMORY);
}

/** Whether the verification fits a request; a job does it otherwise. @throws SettingError */
export function fitsRequest({ milliseconds }: Estimate, env: Env): boolean {
  return milliseconds <= limitOf(env, 'MAX_REQUEST_COST');
}

/**
 * Bytes that are read of a proof: as many as one of its statement may have.
 * @param found the length of the body, where it is known
 * @throws Problem (413 where no proof of the statement is short enough for this worker, 422 for a body that is shorter or
 *   longer than any); SettingError
 */
export function requireSize({ size: { min, max } }: Estimate, found: number | null, env: Env): void {
  const limit = maxProofBytes(env);
  if (min > limit)
    throw new Problem(413, {
      code: 'BODY_TOO_LARGE',
      detail: `Proofs of this statement have ${min} to ${max} bytes; this worker takes at most ${limit}.`,
      next: 'Prove fewer steps at a time, or ask the operator to raise MAX_PROOF_BYTES.',
      evidence: { min, max, limit },
    });
  if (found === null || (found >= min && found <= max)) return;
  throw new Problem(422, {
    code: 'PROOF_SIZE',
    detail: `The body has ${found > max ? 'at least ' : ''}${found} bytes; proofs of this statement have ${min} to ${max}.`,
    next: 'Send the proof file whole, byte for byte as the prover wrote it.',
    check: 'size',
    evidence: { found, min, max },
  });
}

/**
 * Reads the rest of a proof: no more than one of its statement may have.
 * @throws Problem (413, 422; as `BodyReader`)
 */
export async function readProof(body: BodyReader, made: Estimate, env: Env): Promise<Uint8Array<ArrayBuffer>> {
  requireSize(made, body.declared, env);
  const limit = maxProofBytes(env);
  if (made.size.max > limit) {
    const bytes = await body.whole(limit);
    requireSize(made, bytes.length, env);
    return bytes;
  }
  const bytes = await body.upTo(made.size.max + 1);
  if (bytes.length > made.size.max) await body.stop();
  requireSize(made, bytes.length, env);
  return bytes;
}
