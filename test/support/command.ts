/** The command line as its users run it: in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const CLI = new URL('../../prover/cli.ts', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it wrote to stdout until now. */
  readonly output: () => string;
}

/** Starts `./zklora …`. */
export function startCommand(...args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, finished, output: () => stdout };
}

/** Runs `./zklora …` to its end. */
export function command(...args: readonly string[]): Promise<Finished> {
  return startCommand(...args).finished;
}
