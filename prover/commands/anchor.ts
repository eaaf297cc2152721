import type { Command } from 'commander';

import { addChainOptions, addSourceOptions, wholeNumber } from '../chain/command-options.ts';

/** `./zklora anchor RUN --worker URL --rpc URL --registry ADDRESS` */
export function register(program: Command): void {
  const command = program
    .command('anchor')
    .description('write a run’s attested adapter root into the registry contract; sent by the run’s owner')
    .argument('[runs...]', 'folder of the run; with --batch folders of several');
  addSourceOptions(command)
    .option('--batch <file>', 'anchor several runs of one owner in one transaction; the file holds what readers need')
    .option('--attest', 'bring a further attestation of a run that is anchored; anybody may', false)
    .option('--consent <file>', 'send nothing: write the owner’s consent, by which another may anchor the run')
    .option('--hours <number>', 'how long a consent holds', wholeNumber(1), 168)
    .option('--for <file>', 'anchor another’s run by the consent in the file, and pay for it; names no run');
  addChainOptions(command).action(async (runs: string[], options) => {
    const { anchorCommand } = await import('../chain/anchor-command.ts');
    await anchorCommand(runs, options as Parameters<typeof anchorCommand>[1]);
  });
}
