/** Wrangler on this machine: offline, without account, prompts or anything outside a folder of state. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { LocalWorkerError } from './errors.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const MIGRATIONS = join(PROJECT, 'migrations');
const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url));

/** Bytes of output kept for error messages. */
const KEPT_OUTPUT = 4_000;

/** Where the local runtime keeps buckets and databases. */
export const persistDir = (stateDir: string): string => resolve(stateDir, 'r2');

/** A running wrangler and the end of what it has written. */
export interface Wrangler {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/**
 * Starts wrangler at the head of a process group that ends with this process, in whatever way that ends, and when its
 * standard input is closed.
 */
export function startWrangler(args: readonly string[], stateDir: string): Wrangler {
  const wrangler = fileURLToPath(new URL('../bin/wrangler.js', import.meta.resolve('wrangler')));
  const child = spawn(process.execPath, [GUARD, wrangler, ...args, '--config', join(PROJECT, 'wrangler.toml')], {
    cwd: PROJECT,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: 'true',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: resolve(stateDir, 'logs'),
      WRANGLER_REGISTRY_PATH: resolve(stateDir, 'registry'),
    },
  });
  let kept = '';
  const keep = (chunk: Buffer): void => {
    kept = (kept + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return { child, output: () => kept.trim() };
}

/** SHA-256 over the migrations' names and contents. */
function migrationsDigest(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(MIGRATIONS).sort())
    hash.update(`${name}\n`).update(readFileSync(join(MIGRATIONS, name)));
  return hash.digest('hex');
}

/**
 * Makes the tables of the local index where they are missing. Wrangler takes seconds even to find out that there is
 * nothing to do, so a file says which migrations were applied.
 * @throws LocalWorkerError, also where the index was made by migrations that have changed since
 */
export async function applyMigrations(stateDir: string): Promise<void> {
  const mark = resolve(stateDir, 'migrations.sha256');
  const digest = migrationsDigest();
  const applied = existsSync(mark) && existsSync(persistDir(stateDir)) ? readFileSync(mark, 'utf8') : null;
  if (applied === digest) return;
  const args = ['d1', 'migrations', 'apply', 'INDEX', '--local', '--persist-to', persistDir(stateDir)];
  const { child, output } = startWrangler(args, stateDir);
  await once(child, 'close');
  const nothingToDo = output().includes('No migrations to apply');
  if (applied !== null && nothingToDo)
    throw new LocalWorkerError(`the index in ${stateDir} has tables of another version; remove that folder`, output());
  // The guard ends its whole group, itself included, so its exit status says nothing.
  if (!nothingToDo && !output().includes('executed successfully'))
    throw new LocalWorkerError('the tables of the local index could not be made', output());
  writeFileSync(mark, digest);
}
