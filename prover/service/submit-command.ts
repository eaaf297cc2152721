/** `./zklora submit`. */
import { readFile } from 'node:fs/promises';
import { toHex } from '../../protocol/bytes.ts';
import { runId } from '../../protocol/statement.ts';
import { NoProofsError } from '../proofs/errors.ts';
import { listProofs, proofFolder } from '../proofs/folder.ts';
import { rangeText } from '../proofs/ranges.ts';
import { readRunFile } from '../train/run-folder.ts';
import type { RunAnswer, SubmitResult } from './answers.ts';
import { fetchRun } from './client.ts';
import { submitProof, type SubmitOptions, type Waiting } from './submit.ts';

/** What the service says of a run after its proofs were sent. */
export interface Submission {
  readonly results: readonly SubmitResult[];
  readonly run: RunAnswer;
}

/**
 * Sends proof files one after the other.
 *
 * @param id of their run
 * @param told each answer as it comes
 * @throws NoProofsError without files; the client's errors, ServiceRefusalError for a proof that is refused among them
 */
export async function submitProofs(
  url: string,
  id: string,
  files: readonly string[],
  told: (file: string, result: SubmitResult) => void = () => {},
  options: SubmitOptions = {},
): Promise<Submission> {
  const results: SubmitResult[] = [];
  for (const file of files) {
    const result = await submitProof(url, await readFile(file), options);
    results.push(result);
    told(file, result);
  }
  const run = await fetchRun(url, id);
  if (run === null) throw new NoProofsError(url, `knows no proof of run ${id}`, 'Submit the proofs of this very run.');
  return { results, run };
}

/** Where the API key is looked for if none is given; arguments are seen by everybody on a machine. */
const KEY_VARIABLE = 'ZKLORA_API_KEY';

export interface SubmitRequest {
  readonly to: string;
  readonly key?: string;
  readonly json: boolean;
}

/**
 * Sends all proofs of a run. What the service has verified by its present verifier version is answered from its store;
 * what it knows from another version alone is verified again. Ctrl-C loses nothing that was stored.
 *
 * @returns the exit status: 0 when the service has the whole run, by a verifier version that counts; else 1
 */
export async function submitCommand(folder: string, { to, key, json }: SubmitRequest): Promise<number> {
  const id = toHex(runId((await readRunFile(folder)).run));
  const files = await listProofs(proofFolder(folder));
  if (files.length === 0)
    throw new NoProofsError(folder, 'the run has no proofs', `Make them: ./zklora prove ${folder}`);
  const told = (file: string, result: SubmitResult): void => {
    if (!json) process.stdout.write(`${file}: ${submittedText(result)}\n`);
  };
  const onWait = (waiting: Waiting): void => void process.stderr.write(`${waitingText(waiting)}\n`);
  const options = { key: key ?? (process.env[KEY_VARIABLE] || undefined), onWait };
  const interrupt = (): void => {
    process.stderr.write(`Stopped. Go on with: ./zklora submit ${folder} --to ${to}\n`);
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  const { results, run } = await submitProofs(to, id, files, told, options).finally(() =>
    process.off('SIGINT', interrupt),
  );
  if (json) process.stdout.write(`${JSON.stringify({ results, run })}\n`);
  else process.stdout.write(`${runText(run, againCount(results, run))}\n`);
  return run.final !== null && run.final.withdrawn === null ? 0 : 1;
}

function waitingText({ state, seconds }: Waiting): string {
  const what = {
    queued: 'waits for its turn',
    verifying: 'is being verified',
    busy: 'has to wait: the service is busy',
  };
  return `the proof ${state in what ? what[state as keyof typeof what] : state}; asking again in ${seconds} s`;
}

/** Proofs verified now that the service knew from another verifier version. */
function againCount(results: readonly SubmitResult[], { segments }: RunAnswer): number {
  const knownBefore = ({ stored, proofDigest, verifier }: SubmitResult): boolean =>
    stored === 'now' && segments.some((s) => s.proofDigest === proofDigest && s.verifier !== verifier.digest);
  return results.filter(knownBefore).length;
}

function timeText({ stored, timings }: SubmitResult): string {
  if (stored === 'before') return 'stored before';
  return timings === null ? 'verified by a job and stored' : `verified in ${timings.verifyMs} ms and stored`;
}

function submittedText(result: SubmitResult): string {
  const { verdict, attestation, statement } = result;
  const by = attestation === null ? 'not attested' : `attested by ${attestation.attester}`;
  return `${verdict}, ${rangeText(statement.segment)}, ${timeText(result)}, ${by}`;
}

function runText({ runId: id, reached, run, missing, final }: RunAnswer, again: number): string {
  const before = again === 0 ? '' : `${again} of these proofs were known from another verifier version\n`;
  if (final === null) {
    const gaps = missing.map(rangeText).join(', ');
    const lacking = gaps === '' ? '' : `; missing: ${gaps}`;
    return `${before}run ${id}: ${reached} of ${run.steps} steps chain from step 0${lacking}`;
  }
  const { attestation, withdrawn } = final;
  if (withdrawn !== null)
    return `${before}run ${id}: complete, but its verifier version was withdrawn: ${withdrawn.reason}`;
  return `${before}run ${id}: complete, ${attestation === null ? 'not attested' : `attested by ${attestation.attester}`}`;
}
