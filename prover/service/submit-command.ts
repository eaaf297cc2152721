/** `./zklora submit`. */
import { readFile } from 'node:fs/promises';
import { toHex } from '../../protocol/bytes.ts';
import { runId } from '../../protocol/statement.ts';
import { NoProofsError } from '../proofs/errors.ts';
import { listProofs, proofFolder } from '../proofs/folder.ts';
import { rangeText } from '../proofs/ranges.ts';
import { readRunFile } from '../train/run-folder.ts';
import type { RunAnswer, SubmitResult } from './answers.ts';
import { fetchRun, submitProof } from './client.ts';

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
): Promise<Submission> {
  const results: SubmitResult[] = [];
  for (const file of files) {
    const result = await submitProof(url, await readFile(file));
    results.push(result);
    told(file, result);
  }
  const run = await fetchRun(url, id);
  if (run === null) throw new NoProofsError(url, `knows no proof of run ${id}`, 'Submit the proofs of this very run.');
  return { results, run };
}

/** Sends all proofs of a run. @returns the exit status: 0 when the service has the whole run, 1 when segments are missing */
export async function submitCommand(
  folder: string,
  { to, json }: { readonly to: string; readonly json: boolean },
): Promise<number> {
  const id = toHex(runId((await readRunFile(folder)).run));
  const files = await listProofs(proofFolder(folder));
  if (files.length === 0)
    throw new NoProofsError(folder, 'the run has no proofs', `Make them: ./zklora prove ${folder}`);
  const { results, run } = await submitProofs(to, id, files, (file, result) => {
    if (!json) process.stdout.write(`${file}: ${submittedText(result)}\n`);
  });
  if (json) process.stdout.write(`${JSON.stringify({ results, run })}\n`);
  else process.stdout.write(`${runText(run)}\n`);
  return run.complete ? 0 : 1;
}

function submittedText({ verdict, stored, timings, attestation, statement }: SubmitResult): string {
  const time = stored === 'before' ? 'stored before' : `verified in ${timings.verifyMs} ms and stored`;
  const by = attestation === null ? 'not attested' : `attested by ${attestation.attester}`;
  return `${verdict}, ${rangeText(statement.segment)}, ${time}, ${by}`;
}

function runText({ runId: id, complete, reached, run, missing, final }: RunAnswer): string {
  if (!complete) {
    const gaps = missing.map(rangeText).join(', ');
    return `run ${id}: ${reached} of ${run.steps} steps chain from step 0${gaps === '' ? '' : `; missing: ${gaps}`}`;
  }
  const attestation = final?.attestation ?? null;
  const by = attestation === null ? 'not attested' : `attested by ${attestation.attester}`;
  return `run ${id}: complete, ${by}`;
}
