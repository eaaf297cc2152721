import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

/** `./zklora test` */
export function register(program: Command): void {
  program
    .command('test')
    .description('type check, lint, and every test; ends with the line "N passed, N failed"')
    .argument('[pattern...]', 'run only the test files whose path contains one of these, without type check and lint')
    .option('--full', 'run the slow cases too', false)
    .action(async (patterns: string[], options: { full: boolean }) => {
      const runner = fileURLToPath(new URL('../../test/run.ts', import.meta.url));
      const child = spawn(process.execPath, [runner, ...(options.full ? ['--full'] : []), ...patterns], {
        stdio: 'inherit',
      });
      const [status] = (await once(child, 'exit')) as [number | null];
      process.exitCode = status ?? 1;
    });
}
