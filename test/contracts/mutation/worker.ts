/**
 * Runs a contract's tests once for each creation code that the parent process sends, in one process, since starting
 * Hardhat takes longer than a test. Started with the test files as arguments, in a copy of the project.
 */
import { registerHooks } from 'node:module';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { collected } from './collect.ts';

/** What the parent sends: an artifact's path and the creation code to be in it. */
export interface Request {
  readonly artifact: string;
  readonly bytecode: string;
}

/** The name of the first test that failed, or null. */
export type Answer = string | null;

/** A change that makes a loop endless is noticed too. */
const LIMIT = 120_000;

async function fails(run: () => unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), LIMIT);
  });
  try {
    await Promise.race([run(), late]);
    return false;
  } catch {
    return true;
  } finally {
    clearTimeout(timer);
  }
}

async function firstFailure({ artifact, bytecode }: Request): Promise<Answer> {
  const kept = await readFile(artifact, 'utf8');
  await writeFile(artifact, JSON.stringify({ ...(JSON.parse(kept) as object), bytecode: `0x${bytecode}` }));
  try {
    for (const { name, run } of collected) if (await fails(run)) return name;
    return null;
  } finally {
    await writeFile(artifact, kept);
  }
}

/** Loads the test files, whose `node:test` keeps their tests, and answers the parent. */
async function work(files: readonly string[], send: (message: unknown) => void): Promise<void> {
  const stub = import.meta.resolve('./collect.ts');
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:test' ? { url: stub, shortCircuit: true } : next(specifier, context),
  });
  // A test that stops at its first failure leaves promises behind.
  process.on('unhandledRejection', () => undefined);
  for (const file of files) await import(pathToFileURL(resolve(file)).href);
  if (collected.length === 0) throw new Error('the files have no tests');
  process.on('message', (request: Request) => void firstFailure(request).then(send));
  send('ready');
}

// Hardhat takes this file for one with tests.
if (process.env.ZKLORA_MUTATION === '1') await work(process.argv.slice(2), (message) => process.send?.(message));
