import type { Command } from 'commander';

/** `./zklora demo` */
export function register(program: Command): void {
  program
    .command('demo')
    .description('the whole way on this machine: train, prove, verify, attest, anchor, check, and what is refused')
    .option('--steps <number>', 'training steps, at least 2', Number, 4)
    .option('--keep', 'keep the run, the service’s store and all files', false)
    .option('--json', 'print a summary as JSON, as the last line', false)
    .action(async (options: { steps: number; keep: boolean; json: boolean }) => {
      const { demoCommand } = await import('../demo/command.ts');
      process.exitCode = await demoCommand(options);
    });
}
