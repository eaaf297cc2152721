/** The job that verifies a proof which doesn't fit a request; `jobs.ts` starts and reads it. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

import { sourcesOf } from './answers/sources.ts';
import { estimate, MAX_HEAD_BYTES } from './cost.ts';
import type { Env } from './env.ts';
import { sendEvents } from './events/outbox.ts';
import { isKeyed, uploadObject, type Job, type JobParams } from './jobs.ts';
import type { Client } from './limits/client.ts';
import { places, type Need, type Place } from './limits/places.ts';
import { Problem, problemOf } from './problems.ts';
import { knownRecord, requireCounting, verified } from './verification.ts';

type Outcome = Pick<Job, 'state' | 'problem'>;

/** Jobs share the memory of requests. Those of holders of API keys, and all others, count as a client each. */
const clientOf = (keyed: boolean): Client => ({ name: keyed ? 'jobs with a key' : 'jobs', keyed });

/** Seconds that a job keeps a place at most, and that it waits for one before it is tried again. */
const PLACE_LIFE = 600;
const PATIENCE = 60;

/** Waits for a place. @throws Problem (503) */
async function placeFor(client: Client, need: Need): Promise<Place> {
  for (let waited = 0; ; waited++) {
    try {
      return places.take(client, need, PLACE_LIFE);
    } catch (error) {
      if (!(error instanceof Problem) || waited >= PATIENCE) throw error;
      await scheduler.wait(1000);
    }
  }
}

async function verifyUpload(proof: string, env: Env): Promise<void> {
  const sources = await sourcesOf(env);
  requireCounting(sources);
  if ((await knownRecord(proof, sources)) !== null) return;
  const upload = await env.PROOFS.get(uploadObject(proof));
  if (upload === null)
    throw new Problem(404, {
      code: 'NOT_FOUND',
      detail: `The upload of proof ${proof} is gone.`,
      next: 'Submit the proof again.',
    });
  const bytes = new Uint8Array(await upload.arrayBuffer());
  const { memory, milliseconds } = await estimate(bytes.subarray(0, headLength(bytes)));
  const client = clientOf(isKeyed(upload));
  const place = await placeFor(client, { bytes: bytes.length, memory, milliseconds });
  try {
    await sources.store.accept(bytes, await verified(bytes));
  } finally {
    place.leave();
  }
}

/** Bytes of the front, which the request has checked. */
const headLength = (bytes: Uint8Array): number => Math.min(MAX_HEAD_BYTES, 8 + new DataView(bytes.buffer).getUint32(4));

/** What becomes of it; what may go away by itself is thrown, so that the job tries again. */
async function outcomeOf(proof: string, env: Env): Promise<Outcome> {
  try {
    await verifyUpload(proof, env);
    return { state: 'valid', problem: null };
  } catch (error) {
    const problem = problemOf(error);
    if (['INTERNAL', 'BUSY'].includes(problem.details.code)) throw error;
    return {
      state: problem.status === 422 || problem.status === 400 ? 'refused' : 'failed',
      problem: problem.toBody(),
    };
  }
}

const seconds = (): number => Math.floor(Date.now() / 1000);

export class VerificationJob extends WorkflowEntrypoint<Env, JobParams> {
  override async run(
    { payload, timestamp }: WorkflowEvent<JobParams>,
    step: WorkflowStep,
  ): Promise<Omit<Job, 'id' | 'proofDigest'>> {
    const { proof } = payload;
    const retries = { limit: 5, delay: '10 seconds', backoff: 'exponential' } as const;
    const ended = await step.do('verify', { retries, timeout: '10 minutes' }, async () => {
      return { ...(await outcomeOf(proof, this.env)), endedAt: seconds() };
    });
    await step.do('clean up', { retries }, async () => {
      await sendEvents(this.env, seconds());
      // Last, and the end follows at once: whoever looks in between finds neither upload nor result.
      await this.env.PROOFS.delete(uploadObject(proof));
    });
    return { ...ended, submittedAt: Math.floor(timestamp.getTime() / 1000) };
  }
}
