/** Starts the fixture before the tests of the page and ends it after them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

import type { PageFixture } from './fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    page: PageFixture;
  }
}

/** @returns what ends it */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const program = fileURLToPath(new URL('fixture.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const told = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  const first = await Promise.race([told, ended]);
  if (typeof first[0] !== 'string') throw new Error(`the fixture ended with status ${first[0]}`);
  project.provide('page', JSON.parse(first[0]) as PageFixture);
  return async () => {
    child.stdin.end();
    await ended;
  };
}
