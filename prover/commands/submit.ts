import type { Command } from 'commander';

import type { SubmitRequest } from '../service/submit-command.ts';

/** `./zklora submit RUN --to URL` */
export function register(program: Command): void {
  program
    .command('submit')
    .description('send the proofs of a run to a verification service, which verifies, stores and attests them')
    .argument('<run>', 'folder of the run')
    .requiredOption('--to <url>', 'the service')
    .option('--key <key>', 'API key of the service, where it asks for one (better: ZKLORA_API_KEY in the environment)')
    .option('--json', 'print the answers as JSON', false)
    .action(async (run: string, options: SubmitRequest) => {
      const { submitCommand } = await import('../service/submit-command.ts');
      process.exitCode = await submitCommand(run, options);
    });
}
