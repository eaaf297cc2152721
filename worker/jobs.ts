/**
 * Verifications that don't fit a request. The proof waits under `uploads/{proof}` in the bucket, which is removed when its
 * job has ended; `verification-job.ts` is the job. A job's id names proof and verifier version, so that a proof that is
 * submitted again finds the job that it has.
 */
import * as answers from '../api/answers.ts';
import type { Output, Problem as ProblemBody } from '../api/client.ts';
import type { ProblemCode } from '../api/problem-codes.ts';
import { limitOf, type Env } from './env.ts';
import type { Client } from './limits/client.ts';
import { Problem } from './problems.ts';
import { currentVerifier } from './version.ts';

export type Job = Output<'job'>;

/** What a job is about. */
export interface JobParams {
  /** SHA-256 of the proof. */
  readonly proof: string;
}

const outcome = answers.job.pick({ state: true, submittedAt: true, endedAt: true, problem: true });

const UPLOADS = 'uploads/';
export const uploadObject = (proof: string): string => `${UPLOADS}${proof}`;

/** Whether an upload came with an API key. */
export const isKeyed = ({ customMetadata }: R2Object): boolean => customMetadata?.['keyed'] === 'true';

/** Seconds that an upload is kept whose job never ended. */
const UPLOAD_LIFE = 2 * 86_400;

/** Seconds after which to try again where there are as many jobs as may be. */
const FULL_RETRY = 60;

/** How often, and after how many milliseconds, a job is looked at whose upload is removed already. */
const ENDING_LOOKS = 20;
const ENDING_PAUSE = 100;

/** Most objects of one list. */
const PAGE = 1000;

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Hexadecimal digits of the verifier's digest in an id, which has 100 characters at most. */
const VERIFIER_DIGITS = 32;

export const jobId = (proof: string): string => `${proof}-${currentVerifier().digest.slice(0, VERIFIER_DIGITS)}`;

/** What the runtime says of an instance, or null where there is none. */
async function statusOf(id: string, env: Env): Promise<InstanceStatus | null> {
  try {
    return await (await env.VERIFICATIONS.get(id)).status();
  } catch (error) {
    if (error instanceof Error && error.message.includes('not_found')) return null;
    throw error;
  }
}

/** For whoever only learns that the runtime gave a job up. */
const GIVEN_UP: ProblemBody = new Problem(500, {
  code: 'INTERNAL',
  detail: 'The job failed several times, or was ended by the operator.',
  next: 'Submit the proof again; if it happens again, tell the operator of this worker.',
}).toBody();

/**
 * A job without an upload: it ends at this very moment, which may take a few; or it ended badly long ago, then null.
 * Whoever took it for gone would submit the proof again, and leave an upload that no job removes.
 */
async function endedJob(id: string, proofDigest: string, env: Env): Promise<Job | null> {
  for (let looks = 0; ; looks++) {
    const now = await statusOf(id, env);
    if (now?.status === 'complete') return { id, proofDigest, ...outcome.parse(now.output) };
    const going = now !== null && !['errored', 'terminated'].includes(now.status);
    if (!going || looks === ENDING_LOOKS) return null;
    await scheduler.wait(ENDING_PAUSE);
  }
}

/** A job, or null where there is none of this id. */
export async function readJob(id: string, env: Env): Promise<Job | null> {
  const proofDigest = /^([0-9a-f]{64})-[0-9a-f]{32}$/.exec(id)?.[1];
  if (proofDigest === undefined) return null;
  const found = await statusOf(id, env);
  if (found === null) return null;
  if (found.status === 'complete') return { id, proofDigest, ...outcome.parse(found.output) };
  const upload = await env.PROOFS.head(uploadObject(proofDigest));
  if (upload === null) return endedJob(id, proofDigest, env);
  const job = { id, proofDigest, submittedAt: seconds(upload.uploaded), endedAt: null, problem: null };
  switch (found.status) {
    case 'errored':
    case 'terminated':
      return { ...job, state: 'failed', problem: GIVEN_UP };
    case 'running':
      return { ...job, state: 'verifying' };
    default:
      return { ...job, state: 'queued' };
  }
}

/** Half of the jobs are for holders of API keys. @throws Problem (503) where there are as many as may be; SettingError */
async function requireRoom({ keyed }: Client, env: Env): Promise<void> {
  const limit = limitOf(env, 'MAX_JOBS');
  const { objects } = await env.PROOFS.list({ prefix: UPLOADS, limit: PAGE, include: ['customMetadata'] });
  const keyless = objects.filter((upload) => !isKeyed(upload)).length;
  if (objects.length < limit && (keyed || keyless < Math.ceil(limit / 2))) return;
  throw new Problem(503, {
    code: 'BUSY',
    detail: `${objects.length} verifications that take long are under way; ${limit} may be.`,
    next: `Try again in ${FULL_RETRY} seconds.`,
    evidence: { limit, seconds: FULL_RETRY },
    headers: { 'retry-after': String(FULL_RETRY) },
  });
}

/** Starts the job, or starts it again where it ended. */
async function start(id: string, proof: string, env: Env): Promise<void> {
  try {
    await env.VERIFICATIONS.create({ id, params: { proof } satisfies JobParams });
  } catch (error) {
    // Another request was first, or the job has ended before.
    const found = await statusOf(id, env);
    if (found === null) throw error;
    if (['errored', 'terminated', 'complete'].includes(found.status)) await (await env.VERIFICATIONS.get(id)).restart();
  }
}

function refusal({ status, code, detail, next, check, evidence }: ProblemBody): Problem {
  const details = { code: code as ProblemCode, detail, next, check: check ?? undefined };
  return new Problem(status, evidence === undefined ? details : { ...details, evidence });
}

/**
 * Has a proof verified by a job. Submitted again it has the same job; after one that failed, a new one.
 * @param proof SHA-256 of the bytes
 * @throws Problem: why the proof was refused before; 503 where there are as many jobs as may be
 */
export async function submitJob(bytes: Uint8Array<ArrayBuffer>, proof: string, client: Client, env: Env): Promise<Job> {
  const id = jobId(proof);
  const before = await readJob(id, env);
  if (before?.state === 'queued' || before?.state === 'verifying') return before;
  if (before?.state === 'refused' && before.problem !== null) throw refusal(before.problem);
  const there = await env.PROOFS.head(uploadObject(proof));
  if (there === null) {
    await requireRoom(client, env);
    await env.PROOFS.put(uploadObject(proof), bytes, {
      sha256: proof,
      onlyIf: { etagDoesNotMatch: '*' },
      customMetadata: { keyed: String(client.keyed) },
    });
  }
  await start(id, proof, env);
  const now = Math.floor(Date.now() / 1000);
  const queued = { id, proofDigest: proof, state: 'queued', submittedAt: now, endedAt: null, problem: null } as const;
  return (await readJob(id, env)) ?? queued;
}

/** Removes what jobs left behind that never ended. @param now seconds since 1970. @returns how many */
export async function removeOldUploads(env: Pick<Env, 'PROOFS'>, now: number): Promise<number> {
  const { objects } = await env.PROOFS.list({ prefix: UPLOADS, limit: PAGE });
  const old = objects.filter(({ uploaded }) => seconds(uploaded) < now - UPLOAD_LIFE).map(({ key }) => key);
  if (old.length > 0) await env.PROOFS.delete(old);
  return old.length;
}
