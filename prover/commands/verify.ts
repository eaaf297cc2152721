import type { Command } from 'commander';

/** `./zklora verify FILE…` */
export function register(program: Command): void {
  program
    .command('verify')
    .description('verify proofs offline, by the service’s own verifier; several files must be a whole run')
    .argument('<file...>', 'proof files')
    .option('--json', 'print the verdicts as JSON', false)
    .action(async (files: string[], options: { json: boolean }) => {
      const { verifyCommand } = await import('../proofs/verify-command.ts');
      process.exitCode = await verifyCommand(files, options);
    });
}
