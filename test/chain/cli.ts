/** The command line: in a process of its own where it is to be killed, else in this one, which is faster. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Command, CommanderError } from 'commander';
import type { Hex } from 'viem';
import { vi } from 'vitest';

import { register as registerAnchor } from '../../prover/commands/anchor.ts';
import { register as registerRevoke } from '../../prover/commands/revoke.ts';
import { register as registerSupersede } from '../../prover/commands/supersede.ts';
import { explain } from '../../prover/explain.ts';
import type { LocalRegistry } from './fixtures.ts';

const CLI = new URL('../../prover/cli.ts', import.meta.url).pathname;
const KEY = 'ZKLORA_PRIVATE_KEY';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until its stderr matches; fails when it ends before. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

/** Starts `./zklora …`. @param key private key of the sender; null: none */
export function start(key: Hex | null, args: readonly string[]): Running {
  const env = { ...process.env };
  if (key === null) delete env[KEY];
  else env[KEY] = key;
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(stderr)) resolve();
      };
      child.stderr.on('data', look);
      void ended.then(() => reject(new Error(`it ended without saying ${String(pattern)}: ${stderr}`)));
      look();
    });
  return { child, ended, says };
}

/** Takes what is written to stdout and stderr while `work` is done. */
async function captured(work: () => Promise<number>): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  try {
    const code = await work();
    return { code, ...texts };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Runs a command of the chain in this process, as `prover/cli.ts` does. One at a time. */
export async function command(key: Hex | null, args: readonly string[]): Promise<Ended> {
  const program = new Command('zklora').exitOverride();
  for (const register of [registerAnchor, registerRevoke, registerSupersede]) register(program);
  if (key === null) delete process.env[KEY];
  else process.env[KEY] = key;
  return captured(async () => {
    try {
      await program.parseAsync([...args], { from: 'user' });
      return 0;
    } catch (error) {
      if (!(error instanceof CommanderError)) process.stderr.write(`${explain(error, { verbose: false })}\n`);
      return 1;
    } finally {
      delete process.env[KEY];
    }
  });
}

/** Commands at a chain: the node and the registry are filled in. */
export function commandsAt({ rpcUrl, registry }: LocalRegistry) {
  const at = ['--rpc', rpcUrl, '--registry', registry];
  const begin = (key: Hex | null, ...args: string[]): Running => start(key, [...args, ...at]);
  const run = (key: Hex | null, ...args: string[]): Promise<Ended> => command(key, [...args, ...at]);
  /** Runs a command that succeeds and prints JSON. */
  const json = async (key: Hex | null, ...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await run(key, ...args, '--json');
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  return { begin, run, json };
}
