/** `./zklora prove`. */
import { toHex } from '../../protocol/bytes.ts';
import { openCompute, type ComputeKind } from '../compute.ts';
import { openRun } from '../train/new-run.ts';
import { ProveProgress } from './progress.ts';
import { proveRun, type ProveOutcome } from './prove-run.ts';
import { segmentRanges } from './ranges.ts';

export interface ProveRequest {
  readonly stepsPerProof: number;
  readonly backend: ComputeKind;
  readonly json: boolean;
}

/**
 * Proves a run; Ctrl-C stops at once, since every finished proof is on the disk.
 *
 * @returns the exit status: 0 when the whole run is proven, 1 when steps are not trained yet
 */
export async function proveCommand(folder: string, { stepsPerProof, backend, json }: ProveRequest): Promise<number> {
  // What is wrong with the request shows before a device is opened.
  segmentRanges(1, stepsPerProof);
  const opened = await openRun(folder);
  const progress = new ProveProgress();
  const interrupt = (): void => {
    progress.stop();
    process.stderr.write(`Stopped. Go on with: ./zklora prove ${folder} --steps-per-proof ${stepsPerProof}\n`);
    process.exit(130);
  };
  const compute = await openCompute(backend);
  process.once('SIGINT', interrupt);
  try {
    const outcome = await proveRun(opened, compute, stepsPerProof, progress);
    if (json) process.stdout.write(`${JSON.stringify(outcomeJson(opened.run.id, outcome))}\n`);
    else tell(folder, opened.run.id, opened.run.spec.steps, outcome);
    return outcome.chain === null ? 1 : 0;
  } finally {
    process.off('SIGINT', interrupt);
    progress.stop();
    compute.close();
  }
}

function outcomeJson(runId: string, { proofs, chain }: ProveOutcome) {
  const segments = proofs.map(({ file, range, bytes, verified, phases }) => {
    const { proofDigest, soundnessBits } = verified;
    return { file, ...range, bytes, proofDigest: toHex(proofDigest), soundnessBits, phases };
  });
  return { runId, complete: chain !== null, adapterRoot: chain?.adapterRoot ?? null, segments };
}

function tell(folder: string, runId: string, steps: number, { proofs, chain }: ProveOutcome): void {
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  for (const { file, bytes } of proofs) say(`${file}  ${bytes.toLocaleString('en')} bytes`);
  if (chain === null) {
    say(`Not all of the run's ${steps} steps are trained: ./zklora train --resume ${folder}, then prove again.`);
    return;
  }
  say(`run ${runId} is proven from step 0 to its last; final adapter root ${chain.adapterRoot}`);
}
