/** The verification service as the command line uses it: submit proofs, ask about runs and adapters. */
import { z } from 'zod';

import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import {
  adapterAnswer,
  problemAnswer,
  proofAnswer,
  runAnswer,
  submitAnswer,
  verifiersAnswer,
  type AdapterAnswer,
  type ProofAnswer,
  type RunAnswer,
  type SubmitResult,
  type VerifiersAnswer,
} from './answers.ts';
import { ServiceAnswerError, ServiceRefusalError, ServiceUnreachableError, ServiceUrlError } from './errors.ts';

/** Milliseconds that an answer may take; a verification computes for some of them. */
const READ_PATIENCE = 30_000;
const VERIFY_PATIENCE = 180_000;

function routeUrl(base: string, route: string): string {
  const url = URL.parse(route, base.endsWith('/') ? base : `${base}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ServiceUrlError(base);
  return url.href;
}

/** Why no answer came, in words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it takes too long';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection is refused',
    ECONNRESET: 'it closed the connection',
    ENOTFOUND: 'there is no such host',
    UND_ERR_SOCKET: 'it closed the connection',
  };
  return known[code] ?? (cause.message || code || error.message);
}

async function answerOf(
  url: string,
  init: RequestInit,
  patience: number,
): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(patience) });
    return { response, text: await response.text() };
  } catch (error) {
    throw new ServiceUnreachableError(url, reasonOf(error), { cause: error });
  }
}

function parse<T>(url: string, schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ServiceAnswerError(url, `no JSON begins with "${text.slice(0, 60)}"`, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new ServiceAnswerError(url, z.prettifyError(result.error), { cause: result.error });
  return result.data;
}

async function request<T>(url: string, schema: z.ZodType<T>, init: RequestInit, patience: number): Promise<T> {
  const { response, text } = await answerOf(url, init, patience);
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('application/problem+json')) throw new ServiceRefusalError(url, parse(url, problemAnswer, text));
  if (!response.ok) throw new ServiceAnswerError(url, `status ${response.status}: ${text.slice(0, 200)}`);
  return parse(url, schema, text);
}

/** Null where the service knows no such thing. */
async function find<T>(url: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return await request(url, schema, {}, READ_PATIENCE);
  } catch (error) {
    if (error instanceof ServiceRefusalError && error.problem.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/**
 * Submits a segment proof; the service verifies and stores it, and attests it where it has a key.
 * @param url of the service
 * @param bytes the proof
 * @throws ServiceRefusalError with the service's reason; ServiceUrlError, ServiceUnreachableError, ServiceAnswerError
 */
export async function submitProof(url: string, bytes: Uint8Array): Promise<SubmitResult> {
  const route = routeUrl(url, 'verify');
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Uint8Array.from(bytes),
  };
  const result = await request(route, submitAnswer, init, VERIFY_PATIENCE);
  if (result.proofDigest !== toHex(sha256(bytes)))
    throw new ServiceAnswerError(route, `it speaks of another proof, ${result.proofDigest}`);
  return result;
}

/** The record of a proof, or null. @param digest 64 hexadecimal digits. @throws as `submitProof` */
export async function fetchProof(url: string, digest: string): Promise<ProofAnswer | null> {
  const route = routeUrl(url, `proofs/${digest}`);
  const answer = await find(route, proofAnswer);
  if (answer !== null && answer.proofDigest !== digest)
    throw new ServiceAnswerError(route, 'it speaks of another proof');
  return answer;
}

/** A run as the service has it, or null. @param runId 64 hexadecimal digits. @throws as `submitProof` */
export async function fetchRun(url: string, runId: string): Promise<RunAnswer | null> {
  const route = routeUrl(url, `runs/${runId}`);
  const answer = await find(route, runAnswer);
  if (answer !== null && answer.runId !== runId) throw new ServiceAnswerError(route, 'it speaks of another run');
  return answer;
}

/** The runs that pass through an adapter root, or null. @param root 64 hexadecimal digits. @throws as `submitProof` */
export async function fetchAdapter(url: string, root: string): Promise<AdapterAnswer | null> {
  const route = routeUrl(url, `adapters/${root}`);
  const answer = await find(route, adapterAnswer);
  if (answer !== null && answer.adapterRoot !== root)
    throw new ServiceAnswerError(route, 'it speaks of another adapter');
  return answer;
}

/** Verifier versions and the attesting address. @throws as `submitProof` */
export async function fetchVerifiers(url: string): Promise<VerifiersAnswer> {
  return request(routeUrl(url, 'verifiers'), verifiersAnswer, {}, READ_PATIENCE);
}

/** The bytes of a stored proof, checked against their digest, or null. @param digest 64 hexadecimal digits. @throws as `submitProof` */
export async function fetchProofBytes(url: string, digest: string): Promise<Uint8Array | null> {
  const route = routeUrl(url, `proofs/${digest}/raw`);
  let bytes: Uint8Array;
  let response: Response;
  try {
    response = await fetch(route, { signal: AbortSignal.timeout(READ_PATIENCE) });
    bytes = await response.bytes();
  } catch (error) {
    throw new ServiceUnreachableError(route, reasonOf(error), { cause: error });
  }
  if (response.status === 404) return null;
  if (!response.ok) throw new ServiceAnswerError(route, `status ${response.status}`);
  if (toHex(sha256(bytes)) !== digest) throw new ServiceAnswerError(route, 'its bytes have another digest');
  return bytes;
}
