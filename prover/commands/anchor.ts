import type { Command } from 'commander';

/** `./zklora anchor RUN --worker URL --rpc URL --registry ADDRESS` */
export function register(program: Command): void {
  program
    .command('anchor')
    .description('write a run’s attested adapter root into the registry contract; sent by the run’s owner')
    .argument('<run>', 'folder of the run')
    .requiredOption('--worker <url>', 'the verification service that attests the run')
    .requiredOption('--rpc <url>', 'Ethereum node')
    .requiredOption('--registry <address>', 'AdapterRegistry contract')
    .option('--chain-id <number>', 'the chain that the node must serve', Number)
    .option('--account <address>', 'an account that the node signs for, instead of a private key')
    .option('--json', 'print the receipt as JSON', false)
    .addHelpText('after', '\nThe environment variable ZKLORA_PRIVATE_KEY holds the owner’s private key.')
    .action(async (run: string, options) => {
      const { anchorCommand } = await import('../chain/anchor-command.ts');
      await anchorCommand(run, options as Parameters<typeof anchorCommand>[1]);
    });
}
