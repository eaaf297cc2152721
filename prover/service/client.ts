/** The verification service as the command line reads it: proofs, runs and adapters. */
import type { z } from 'zod';

import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import {
  adapterAnswer,
  proofAnswer,
  runAnswer,
  type AdapterAnswer,
  type ProofAnswer,
  type RunAnswer,
  type VerifiersAnswer,
} from './answers.ts';
import { ServiceAnswerError } from './errors.ts';
import { askService, checked, findBytes, findService } from './request.ts';

/** An answer about the very thing asked for. */
function about<T>(url: string, schema: z.ZodType<T>, answer: unknown, what: string, same: (answer: T) => boolean): T {
  const known = checked(url, schema, answer);
  if (!same(known)) throw new ServiceAnswerError(url, `it speaks of another ${what}`);
  return known;
}

const place = (base: string, path: string): string => `${base.replace(/\/$/, '')}/${path}`;

/**
 * The record of a proof, or null.
 * @param url of the service
 * @param digest 64 hexadecimal digits
 * @throws ServiceUrlError, ServiceUnreachableError, ServiceRefusalError, ServiceAnswerError
 */
export async function fetchProof(url: string, digest: string): Promise<ProofAnswer | null> {
  const answer = await findService(url, 'proof', { params: { sha256: digest } });
  if (answer === null) return null;
  return about(place(url, `proofs/${digest}`), proofAnswer, answer, 'proof', (proof) => proof.proofDigest === digest);
}

/** A run as the service has it, or null. @param runId 64 hexadecimal digits. @throws as `fetchProof` */
export async function fetchRun(url: string, runId: string): Promise<RunAnswer | null> {
  const answer = await findService(url, 'run', { params: { id: runId } });
  if (answer === null) return null;
  return about(place(url, `runs/${runId}`), runAnswer, answer, 'run', (run) => run.runId === runId);
}

/** The runs that pass through an adapter root, or null. @param root 64 hexadecimal digits. @throws as `fetchProof` */
export async function fetchAdapter(url: string, root: string): Promise<AdapterAnswer | null> {
  const answer = await findService(url, 'adapter', { params: { id: root } });
  if (answer === null) return null;
  const same = ({ id, adapterRoot }: AdapterAnswer): boolean => id === root && adapterRoot === root;
  return about(place(url, `adapters/${root}`), adapterAnswer, answer, 'adapter', same);
}

/** Verifier versions and attesting keys. @throws as `fetchProof` */
export function fetchVerifiers(url: string): Promise<VerifiersAnswer> {
  return askService(url, 'verifiers', {});
}

/** The bytes of a stored proof, checked against their digest, or null. @param digest 64 hexadecimal digits. @throws as `fetchProof` */
export async function fetchProofBytes(url: string, digest: string): Promise<Uint8Array | null> {
  const bytes = await findBytes(url, digest);
  if (bytes !== null && toHex(sha256(bytes)) !== digest)
    throw new ServiceAnswerError(place(url, `proofs/${digest}/raw`), 'its bytes have another digest');
  return bytes;
}
