/** The loop of a run: from its last checkpoint to its last step, or until it is asked to stop. */
import type { CellMap, Engine, StepResult } from './engine.ts';
import { LossLog, lossLine, type LossLine } from './loss-log.ts';
import { heldOutBatches } from './rows.ts';
import { writeCheckpoint } from './run-folder.ts';
import type { Run } from './run.ts';
import { nextState } from './state.ts';

/** What a caller learns while a run trains. */
export interface TrainObserver {
  /** Before the first step of this call: `step` of the run's `steps` are done. */
  started?(step: number, steps: number): void;
  /** A step is done and on the disk. */
  stepped?(line: LossLine, steps: number): void;
  /** The held-out rows were evaluated after `line.step` steps. */
  evaluated?(line: LossLine): void;
}

export interface TrainOutcome {
  /** Steps that are done. */
  readonly step: number;
  readonly complete: boolean;
  /** Cells of adapterIn and momentsIn of the next step. */
  readonly state: CellMap;
  readonly losses: readonly LossLine[];
  readonly evaluations: readonly LossLine[];
}

/**
 * Trains a run from its last checkpoint on. A run that was interrupted, however hard, goes on to the same integers.
 *
 * @param engine with the run's base loaded, for segments of one step
 * @param signal stops after the step at hand
 * @throws RangeOverflowError when a value leaves its range
 */
export async function train(
  run: Run,
  engine: Engine,
  observer: TrainObserver = {},
  signal: AbortSignal | null = null,
): Promise<TrainOutcome> {
  const { steps } = run.spec;
  let step = await run.lastCheckpoint();
  let state = await run.state(step);
  const losses = await LossLog.open(run.folder, 'losses', step - 1);
  const evaluations = await LossLog.open(run.folder, 'evaluations', step);
  observer.started?.(step, steps);
  const evaluate = async (): Promise<void> => {
    if (run.heldOut.rows === 0 || evaluations.lines.some((line) => line.step === step)) return;
    const line = lossLine(step, await heldOutLoss(run, engine, step, state));
    await evaluations.add(line);
    observer.evaluated?.(line);
  };
  if (step === 0) await evaluate();
  const { evalEvery, checkpointEvery } = run.file;
  const stopped = (): boolean => signal?.aborted ?? false;
  while (step < steps && !stopped()) {
    await engine.begin(run.program(step, 1), state);
    const line = lossLine(step, await engine.step(0, run.batch(step)));
    state = nextState(await engine.state());
    step++;
    // The loss comes first, so that every checkpoint has the losses before it.
    await losses.add(line);
    if (step === steps || (evalEvery > 0 && step % evalEvery === 0)) await evaluate();
    if (step === steps || step % checkpointEvery === 0 || stopped())
      await writeCheckpoint(run.folder, run.id, step, state);
    observer.stepped?.(line, steps);
  }
  return { step, complete: step === steps, state, losses: losses.lines, evaluations: evaluations.lines };
}

/** The summed loss of the held-out rows before a step, or after the last. */
async function heldOutLoss(run: Run, engine: Engine, step: number, state: CellMap): Promise<StepResult> {
  await engine.begin(run.program(Math.min(step, run.spec.steps - 1), 1), state);
  let [loss, count] = [0n, 0];
  for (const batch of heldOutBatches(run.heldOut, run.spec.batch)) {
    const result = await engine.evaluate(batch);
    loss += result.loss;
    count += result.count;
  }
  return { loss, count };
}
