/** Submitting proofs: with patience where the service is busy, or verifies in a job of its own. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Output } from '../../api/client.ts';
import { toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { submissionAnswer, type SubmitResult } from './answers.ts';
import { fetchProof } from './client.ts';
import { ServiceAnswerError, ServiceJobError, ServiceRefusalError } from './errors.ts';
import { askService, checked } from './request.ts';

type Job = Output<'job'>;

/** Milliseconds that an answer may take; a verification computes for some of them. */
const VERIFY_PATIENCE = 180_000;
/** Seconds that a submission waits in all for a service that is busy, and for a job. */
const BUSY_PATIENCE = 600;
const JOB_PATIENCE = 3_600;
/** Seconds between two looks at a job: they grow from the first to the last. */
const FIRST_LOOK = 1;
const LAST_LOOK = 15;

/** What a submission waits for. */
export interface Waiting {
  /** `busy`: the service takes it later; otherwise the state of the service's job. */
  readonly state: 'busy' | Job['state'];
  /** Seconds until it is asked again. */
  readonly seconds: number;
}

export interface SubmitOptions {
  /** An API key of the service. */
  readonly key?: string | undefined;
  /** Told each time before it waits. */
  readonly onWait?: (waiting: Waiting) => void;
}

/** Seconds after which a refusal says to come again; null for one that says nothing of the kind. */
function comeAgain(error: unknown): number | null {
  if (!(error instanceof ServiceRefusalError) || ![429, 503].includes(error.problem.status)) return null;
  // At least one, so that a service that says 0 is not asked without end.
  return error.retryAfter === null ? null : Math.max(1, error.retryAfter);
}

/** Tries again where the service says when; gives up with its refusal where that is too long in all. */
async function patiently<T>(attempt: () => Promise<T>, { onWait = () => {} }: SubmitOptions): Promise<T> {
  for (let left = BUSY_PATIENCE; ;) {
    try {
      return await attempt();
    } catch (error) {
      const seconds = comeAgain(error);
      if (seconds === null || seconds > left) throw error;
      left -= seconds;
      onWait({ state: 'busy', seconds });
      await sleep(1000 * seconds);
    }
  }
}

/** @throws ServiceRefusalError for a proof that the job refused, ServiceJobError where it fails or does not end */
async function ended(base: string, submitted: Job, options: SubmitOptions): Promise<void> {
  const url = `${base.replace(/\/$/, '')}/jobs/${submitted.id}`;
  let job = submitted;
  for (let left = JOB_PATIENCE, seconds = FIRST_LOOK; job.state === 'queued' || job.state === 'verifying';) {
    if (left <= 0) throw new ServiceJobError(url, 'it takes too long');
    options.onWait?.({ state: job.state, seconds });
    await sleep(1000 * seconds);
    left -= seconds;
    seconds = Math.min(2 * seconds, LAST_LOOK);
    const params = { id: submitted.id };
    job = await patiently(() => askService(base, 'job', { params }, { key: options.key }), options);
    if (job.proofDigest !== submitted.proofDigest) throw new ServiceAnswerError(url, 'it speaks of another proof');
  }
  if (job.state === 'valid') return;
  if (job.problem !== null) throw new ServiceRefusalError(url, job.problem);
  throw new ServiceJobError(url, job.state === 'refused' ? 'the proof was refused' : 'it failed');
}

/**
 * Submits a segment proof; the service verifies and stores it, and attests it where it has a key.
 * @param url of the service
 * @param bytes the proof
 * @throws ServiceRefusalError with the service's reason; ServiceUrlError, InsecureUrlError, ServiceUnreachableError,
 *   ServiceAnswerError, ServiceJobError
 */
export async function submitProof(url: string, bytes: Uint8Array, options: SubmitOptions = {}): Promise<SubmitResult> {
  const route = `${url.replace(/\/$/, '')}/verify`;
  const request = { key: options.key, patience: VERIFY_PATIENCE };
  const answer = await patiently(() => askService(url, 'verify', { body: bytes }, request), options);
  const digest = toHex(sha256(bytes));
  if (answer.proofDigest !== digest)
    throw new ServiceAnswerError(route, `it speaks of another proof, ${answer.proofDigest}`);
  if ('verdict' in answer) return checked(route, submissionAnswer, answer);
  await ended(url, answer, options);
  const proof = await fetchProof(url, digest);
  if (proof === null) throw new ServiceAnswerError(route, 'a job has verified the proof, but it is not stored');
  return { ...proof, stored: 'now', timings: null };
}
