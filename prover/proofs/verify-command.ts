/** `./zklora verify`. */
import { readFile } from 'node:fs/promises';
import { toHex } from '../../protocol/bytes.ts';
import { VERIFIER } from '../../protocol/verify.ts';
import { rangeText } from './ranges.ts';
import { chainDigest, provenRuns, type ProvenRun } from '../../protocol/proven-runs.ts';
import { judge, type Verdict } from './verify-files.ts';

/**
 * Verifies files. One file is judged alone; several must be all segments of one run or of some.
 *
 * @returns the exit status: 0 when every proof is valid and, of several files, every run complete
 */
export async function verifyCommand(files: readonly string[], { json }: { readonly json: boolean }): Promise<number> {
  const verdicts: Verdict[] = [];
  for (const name of files) {
    const verdict = judge({ name, bytes: await readFile(name) });
    verdicts.push(verdict);
    if (!json) process.stdout.write(`${verdictText(verdict)}\n`);
  }
  const runs = provenRuns(verdicts.flatMap(({ verified }) => verified ?? []));
  if (json) process.stdout.write(`${JSON.stringify(report(verdicts, runs))}\n`);
  else for (const run of runs) process.stdout.write(`${runText(run)}\n`);
  const valid = verdicts.every(({ verified }) => verified !== null);
  const complete = runs.every(({ report }) => report.chains.length > 0);
  return valid && (files.length === 1 || complete) ? 0 : 1;
}

function verdictText({ name, bytes, milliseconds, verified, refusal }: Verdict): string {
  if (verified === null) return `${name}: refused: ${refusal?.message} [${refusal?.code}]`;
  const facts = [
    `run ${toHex(verified.runId).slice(0, 16)}…`,
    rangeText(verified.statement.segment),
    `${verified.soundnessBits} bits`,
    `${bytes.toLocaleString('en')} bytes`,
    `${milliseconds.toFixed(0)} ms`,
  ];
  return `${name}: valid: ${facts.join(', ')}`;
}

const STOPS = {
  missing: 'no proof of the steps that follow is among the files',
  roots: 'the proofs of the steps that follow start from another adapter or other moments',
  verifier: 'the proofs of the steps that follow are of another verifier version',
} as const;

/** How far the proofs of a run go, in words. */
export function runText({ runId, run, report }: ProvenRun): string {
  const { chains, reached, stop, missing } = report;
  if (chains.length > 0) {
    const [chain] = chains;
    const lines = [
      `run ${runId}: complete: ${chain.segments.length} segments chain from step 0 to ${run.steps - 1}`,
      `  run digest ${chainDigest(runId, chain)}`,
      `  final adapter root ${chain.adapterRoot}`,
    ];
    return lines.join('\n');
  }
  const gaps = missing.map(rangeText).join(', ');
  const why = stop === null ? '' : `: ${STOPS[stop]}`;
  return `run ${runId}: incomplete: ${reached} of ${run.steps} steps chain from step 0${why}${gaps === '' ? '' : `\n  missing: ${gaps}`}`;
}

function report(verdicts: readonly Verdict[], runs: readonly ProvenRun[]) {
  const proofs = verdicts.map(({ name, bytes, milliseconds, verified, refusal }) => {
    const refused = refusal === null ? null : { code: refusal.code, message: refusal.message };
    if (verified === null) return { file: name, valid: false, bytes, milliseconds, refusal: refused };
    const { first, steps } = verified.statement.segment;
    const digests = { runId: toHex(verified.runId), proofDigest: toHex(verified.proofDigest) };
    return {
      file: name,
      valid: true,
      bytes,
      milliseconds,
      ...digests,
      first,
      steps,
      soundnessBits: verified.soundnessBits,
    };
  });
  const chains = runs.map(({ runId, run, report: { chains, reached, stop, missing } }) => {
    const [chain] = chains;
    const final = chain === undefined ? null : { adapterRoot: chain.adapterRoot, runDigest: chainDigest(runId, chain) };
    return { runId, steps: run.steps, complete: chain !== undefined, reached, stop, missing, final };
  });
  return { verifier: VERIFIER, proofs, runs: chains };
}
