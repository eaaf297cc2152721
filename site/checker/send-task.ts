/** Sends a proof or an adapter file to the service, which checks it itself. Only ever at the reader's request. */
import { ask, RefusalError, type Output } from '../../api/client.ts';
import type { Outcome, Task } from '../messages.ts';
import type { Send } from './sender.ts';

type SendTask = Extract<Task, { kind: 'send' }>;

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
  return { tone: 'bad', title: 'The service did not take it', text, checks: [], link: null };
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

async function sendProof(base: string, body: Uint8Array): Promise<Outcome> {
  const answer = await ask(base, 'verify', { body }, { patience: PATIENCE });
  return 'state' in answer ? followed(base, answer) : stored(answer.proofDigest, answer.stored === 'before');
}

async function showFile(base: string, runId: string, body: Uint8Array): Promise<Outcome> {
  const { file } = await ask(base, 'showFile', { params: { id: runId }, body }, { patience: PATIENCE });
  return {
    tone: 'good',
    title: 'The service knows this file now',
    text: 'It recomputed the commitment itself. It keeps the fingerprints, not the file.',
    checks: [],
    link: { href: `/?q=${file}`, text: 'What the service says about it' },
  };
}

/** @throws NoAnswerError, AnswerError */
export async function sendOffered({ base, file, offer }: SendTask, send: Send): Promise<void> {
  const body = new Uint8Array(await file.arrayBuffer());
  try {
    const outcome = offer.kind === 'proof' ? await sendProof(base, body) : await showFile(base, offer.runId, body);
    send({ kind: 'outcome', outcome });
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    send({ kind: 'outcome', outcome: refused(error.problem) });
  }
}
