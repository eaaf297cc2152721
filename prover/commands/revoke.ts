import type { Command } from 'commander';

import { addChainOptions, addSourceOptions, wholeNumber } from '../chain/command-options.ts';

/** `./zklora revoke RUN --rpc URL --registry ADDRESS` */
export function register(program: Command): void {
  const command = program
    .command('revoke')
    .description('revoke a run’s record in the registry contract, for ever; sent by the run’s owner')
    .argument('<run>', 'folder of the run');
  addSourceOptions(command)
    .option('--batch <file>', 'the record is in this batch')
    .option('--from-block <number>', 'where to begin in the chain’s log, to find the record', wholeNumber(0))
    .option('--unanchored', 'revoke it although it is not anchored by itself', false)
    .option('--consents', 'make void the owner’s consents that are not yet used, and nothing else', false);
  addChainOptions(command).action(async (run: string, options) => {
    const { revokeCommand } = await import('../chain/end-commands.ts');
    await revokeCommand(run, options as Parameters<typeof revokeCommand>[1]);
  });
}
