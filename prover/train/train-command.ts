/** `./zklora train`: begins or resumes a run, and writes its adapter and its loss plot. */
import { join } from 'node:path';
import { openCompute, type ComputeKind } from '../compute.ts';
import { writeAdapter } from '../model/adapter.ts';
import { readArchitecture } from '../model/config.ts';
import { writeWhole } from './cell-file.ts';
import { decayNote } from './decay-note.ts';
import { RunConfigError } from './errors.ts';
import { lossPlot } from './loss-plot.ts';
import { newRun, openRun } from './new-run.ts';
import { Progress } from './progress.ts';
import { readSettings, runConfig, type RunSettings } from './run-config.ts';
import { runPath } from './run-folder.ts';
import type { Run } from './run.ts';
import { adapterOf } from './state.ts';
import { train, type TrainOutcome } from './trainer.ts';

/** What the command line says. */
export interface TrainRequest {
  readonly model: string | undefined;
  readonly data: string | undefined;
  readonly config: string | undefined;
  readonly out: string | undefined;
  readonly resume: string | undefined;
  readonly initialAdapter: string | undefined;
  readonly engine: ComputeKind;
  /** Settings of the command line, which go before those of the file. */
  readonly settings: RunSettings;
}

/**
 * Trains until the last step, or until the first Ctrl-C.
 *
 * @returns the exit status: 0, or 130 after Ctrl-C
 */
export async function trainCommand(request: TrainRequest): Promise<number> {
  // What is wrong with the request shows before a device is opened.
  const fresh = request.resume === undefined ? { sources: sourcesOf(request), config: await configOf(request) } : null;
  const compute = await openCompute(request.engine);
  const stop = new AbortController();
  const interrupt = (): void => {
    process.stderr.write('\nStopping after this step; Ctrl-C once more stops at once.\n');
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  const progress = new Progress();
  try {
    const { run, base } =
      fresh === null ? await openRun(request.resume!) : await newRun(fresh.sources, fresh.config, compute.backend);
    process.stderr.write(`run ${run.id} in ${run.folder}\n`);
    const note = decayNote(run.spec.optimizer);
    if (note !== null) process.stderr.write(`${note}\n`);
    const engine = await compute.engine(run.program(0, 1), { witness: false });
    await engine.loadBase(base);
    const outcome = await train(run, engine, progress, stop.signal);
    progress.stop();
    engine.close();
    await writeResults(run, outcome);
    report(run, outcome);
    return outcome.complete ? 0 : 130;
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
    compute.close();
  }
}

function sourcesOf({ model, data, out, initialAdapter }: TrainRequest) {
  if (model === undefined || data === undefined)
    throw new RunConfigError('a new run needs --model and --data', 'Name both, or an earlier run by --resume.');
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return { folder: out ?? join('runs', time), model, data, initialAdapter: initialAdapter ?? null };
}

async function configOf({ config, settings }: TrainRequest) {
  const file = config === undefined ? {} : await readSettings(config);
  return runConfig({ ...file, ...settings });
}

/** The loss plot, and after the last step the adapter. */
export async function writeResults(run: Run, outcome: TrainOutcome): Promise<void> {
  const { losses, evaluations, state, complete } = outcome;
  if (losses.length > 0) {
    const plot = lossPlot(`Training loss of ${run.file.name}`, losses, evaluations, run.spec.steps);
    await writeWhole(runPath(run.folder, 'losses.svg'), plot);
  }
  if (!complete) return;
  const architecture = await readArchitecture(run.file.model);
  const adapter = adapterOf(run.program(0, 1), 'adapterIn', state);
  await writeAdapter(runPath(run.folder, 'adapter'), adapter, { architecture, name: run.file.name });
}

function report(run: Run, { step, complete }: TrainOutcome): void {
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  if (!complete) {
    say(`Stopped after ${step} of ${run.spec.steps} steps. Go on with: ./zklora train --resume ${run.folder}`);
    return;
  }
  say(`adapter ${runPath(run.folder, 'adapter')}`);
  say(`losses  ${runPath(run.folder, 'losses.svg')}`);
  if (run.file.givenAdapter) say('This run started from a given adapter, so it cannot be proven.');
}
