/** Sends a proof to the service, which verifies it itself and stores it. Only ever at the reader's request. */
import { ask, RefusalError, type Output } from '../../api/client.ts';
import type { Outcome, Task } from '../messages.ts';
import type { Send } from './sender.ts';

type SubmitTask = Extract<Task, { kind: 'submit' }>;

/** Milliseconds that a verification may take there. */
const PATIENCE = 120_000;
/** Milliseconds between two looks at a job, and how many looks there are at most. */
const PAUSE = 2000;
const LOOKS = 300;

function stored(proofDigest: string, before: boolean): Outcome {
  return {
    tone: 'good',
    title: before ? 'The service had this proof already' : 'The service accepted the proof',
    text: 'It verified the proof itself and keeps it under its SHA-256.',
    checks: [],
    link: { href: `/?q=${proofDigest}`, text: 'What the service says about it' },
  };
}

function refused(problem: { readonly detail: string; readonly next: string }): Outcome {
  const text = `${problem.detail} ${problem.next}`;
  return { tone: 'bad', title: 'The service did not take the proof', text, checks: [], link: null };
}

/** Waits until a verification that did not fit one request has ended. */
async function followed(base: string, first: Output<'job'>): Promise<Outcome> {
  let job = first;
  for (let look = 0; look < LOOKS && (job.state === 'queued' || job.state === 'verifying'); look++) {
    await new Promise((done) => setTimeout(done, PAUSE));
    job = await ask(base, 'job', { params: { id: job.id } });
  }
  if (job.state === 'valid') return stored(job.proofDigest, false);
  if (job.problem !== null) return refused(job.problem);
  return refused({
    detail: 'The service has not finished verifying.',
    next: 'Look the proof up later by its SHA-256.',
  });
}

/** @throws NoAnswerError, AnswerError */
export async function submitProof({ base, file }: SubmitTask, send: Send): Promise<void> {
  const body = new Uint8Array(await file.arrayBuffer());
  let outcome: Outcome;
  try {
    const answer = await ask(base, 'verify', { body }, { patience: PATIENCE });
    outcome = 'state' in answer ? await followed(base, answer) : stored(answer.proofDigest, answer.stored === 'before');
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    outcome = refused(error.problem);
  }
  send({ kind: 'outcome', outcome });
}
