/** Hardhat as a child process: its own binary, without a wrapper that would outlive it or leave it behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Bytes of output kept for error messages. */
const KEPT_OUTPUT = 4_000;

/** A running Hardhat command and what it printed. */
export interface HardhatProcess {
  readonly child: ChildProcess;
  /** The last part of its output, stdout and stderr in order. */
  output(): string;
  /** Settles with the exit code when it ended; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Calls back with each piece of output. */
  onOutput(listener: (text: string) => void): void;
}

/** The project's folder: where hardhat.config.ts is. */
export const projectRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts a Hardhat command at the head of a process group of its own, so that the group can be ended as a whole.
 * @param args the command and its options
 */
export function startHardhat(args: readonly string[]): HardhatProcess {
  const binary = fileURLToPath(new URL('cli.js', import.meta.resolve('hardhat')));
  const child = spawn(process.execPath, [binary, ...args], {
    cwd: projectRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  let kept = '';
  const listeners: ((text: string) => void)[] = [];
  const read = (text: string) => {
    kept = (kept + text).slice(-KEPT_OUTPUT);
    for (const listener of listeners) listener(text);
  };
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', read);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { child, output: () => kept.trim(), ended, onOutput: (listener) => listeners.push(listener) };
}
