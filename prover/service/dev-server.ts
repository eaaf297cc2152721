/** The worker on this machine: `wrangler dev`, offline, with bucket and index in a local folder. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Hex } from '../../protocol/attestation.ts';
import { LocalWorkerError } from './errors.ts';
import { applyMigrations, persistDir, startWrangler } from './wrangler.ts';

/** Milliseconds until the worker must answer: wrangler bundles it first. */
const START_PATIENCE = 90_000;

export interface WorkerOptions {
  /** A free one where absent. */
  readonly port?: number;
  /** Private key that attests, 32 bytes; null: nothing is attested. */
  readonly attesterKey: Hex | null;
  /** What opens the operator's routes, at least 32 characters; absent: they are closed. */
  readonly operatorKey?: string;
  /** What the secrets of webhooks follow from, at least 32 characters; absent: there are no webhooks. */
  readonly webhookSecret?: string;
  /** Other settings, by their names in the worker's environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where bucket, index, the key's file (for the owner's eyes alone) and wrangler's logs are kept. */
  readonly stateDir: string;
}

export interface LocalWorker {
  readonly url: string;
  /** Ends the worker and all that it started; may be called again. */
  stop(): Promise<void>;
}

/** Settings and secrets as `wrangler dev` reads them. */
function environment({ attesterKey, operatorKey, webhookSecret, settings }: WorkerOptions): string {
  const secrets = { ATTESTER_KEY: attesterKey, OPERATOR_KEY: operatorKey, WEBHOOK_SECRET: webhookSecret };
  const given = Object.entries({ ...settings, ...secrets }).filter(([, value]) => typeof value === 'string');
  return given.map(([name, value]) => `${name}=${JSON.stringify(value)}\n`).join('');
}

/** The arguments of `wrangler dev`; the key is in a file, since everybody sees arguments. */
function devArguments({ port = 0, stateDir }: WorkerOptions, envFile: string): string[] {
  return [
    ...['dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
    ...['--persist-to', persistDir(stateDir), '--env-file', envFile, '--show-interactive-dev-session=false'],
  ];
}

/** The URL that wrangler announces. Throws `LocalWorkerError` when it ends, can't build, or says nothing in time. */
function announcedUrl(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((found, fail) => {
    const failed = (what: string): void => {
      clearTimeout(timer);
      fail(new LocalWorkerError(what, output()));
    };
    const timer = setTimeout(() => failed('the local worker did not start in time'), START_PATIENCE);
    const look = (): void => {
      // It would wait for somebody to mend the sources.
      if (output().includes('Build failed')) failed('the local worker could not be built');
      const url = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output())?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      found(url);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', () => failed('the local worker ended before it answered'));
  });
}

/** Waits until the worker itself answers. */
async function healthy(url: string, output: () => string): Promise<void> {
  const answered = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(START_PATIENCE) }).then(
    (response) => response.ok,
    () => false,
  );
  if (!answered) throw new LocalWorkerError(`the local worker at ${url} does not answer`, output());
}

/**
 * Starts the worker on 127.0.0.1 and waits until it answers. It needs no network and no account. It ends, with all
 * processes that it started, by `stop`, and when this process ends in whatever way.
 * @throws LocalWorkerError when it doesn't come to answer, for instance because the port is taken
 */
export async function startWorker(options: WorkerOptions): Promise<LocalWorker> {
  const { stateDir } = options;
  mkdirSync(stateDir, { recursive: true });
  const envFile = resolve(stateDir, 'worker.env');
  writeFileSync(envFile, environment(options), { mode: 0o600 });

  await applyMigrations(stateDir);
  const { child, output } = startWrangler(devArguments(options, envFile), stateDir);
  const closed = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    await closed;
  };
  try {
    const url = await announcedUrl(child, output);
    await healthy(url, output);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
