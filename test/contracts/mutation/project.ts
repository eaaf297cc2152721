/** A copy of the project in which one contract's code is replaced and its tests are run. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm, symlink } from 'node:fs/promises';

import { ROOT } from '../static/compiler.ts';
import type { Answer } from './worker.ts';

const COPIED = ['hardhat.config.ts', 'package.json', 'artifacts', 'cache', 'contracts', 'docs', 'ignition', 'prover'];

/** Where the tests of a changed contract are run, one change at a time. */
export interface ProjectCopy {
  /** The first test that fails with this creation code, in hexadecimal digits, in the place of the contract's; or null. */
  firstFailure(bytecode: string): Promise<string | null>;
  remove(): Promise<void>;
}

/**
 * Copies what contract tests need, in its built state, and starts a process that has loaded them.
 * @param name of the copy
 * @param artifact of the contract, below `artifacts/`
 * @param tests files below `test/contracts/`
 */
export async function copyProject(name: string, artifact: string, tests: readonly string[]): Promise<ProjectCopy> {
  const folder = `${ROOT}.build/mutation/${name}/`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(`${folder}test`, { recursive: true });
  for (const path of [...COPIED, 'protocol', 'test/contracts'])
    await cp(ROOT + path, folder + path, { recursive: true });
  await symlink(`${ROOT}node_modules`, `${folder}node_modules`);

  const child = fork(
    `${folder}test/contracts/mutation/worker.ts`,
    tests.map((file) => `test/contracts/${file}`),
    // Hardhat's own loaders and settings, inherited, would lead back to the project itself.
    {
      ...{ cwd: folder, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] },
      env: { PATH: process.env.PATH, ZKLORA_MUTATION: '1' },
    },
  );
  const ended = once(child, 'exit');
  const answer = async (): Promise<Answer> => {
    const [message] = (await Promise.race([once(child, 'message'), ended.then(() => [undefined])])) as [unknown];
    if (message === undefined) throw new Error(`the process that runs ${tests.join(', ')} ended`);
    return message as Answer;
  };
  await answer();
  return {
    firstFailure: (bytecode) => {
      const next = answer();
      child.send({ artifact: `artifacts/${artifact}`, bytecode });
      return next;
    },
    remove: async () => {
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
