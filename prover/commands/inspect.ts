import type { Command } from 'commander';

/** `./zklora inspect FILE` */
export function register(program: Command): void {
  program
    .command('inspect')
    .description('a proof in words: what it states, what its bytes are, and how sound it is')
    .argument('<file>', 'proof file')
    .option('--json', 'print everything as JSON', false)
    .action(async (file: string, options: { json: boolean }) => {
      const { inspectCommand } = await import('../proofs/inspect-command.ts');
      process.exitCode = await inspectCommand(file, options);
    });
}
