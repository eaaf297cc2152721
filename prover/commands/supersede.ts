import type { Command } from 'commander';

import { addChainOptions, addSourceOptions, wholeNumber } from '../chain/command-options.ts';

/** `./zklora supersede OLDER NEWER --rpc URL --registry ADDRESS` */
export function register(program: Command): void {
  const command = program
    .command('supersede')
    .description('mark a run’s record as superseded by a newer one that is anchored; sent by the owner of both')
    .argument('<older>', 'folder of the older run')
    .argument('<newer>', 'folder of the newer run');
  addSourceOptions(command)
    .option('--batch <file>', 'the older record is in this batch')
    .option('--from-block <number>', 'where to begin in the chain’s log, to find the records', wholeNumber(0));
  addChainOptions(command).action(async (older: string, newer: string, options) => {
    const { supersedeCommand } = await import('../chain/end-commands.ts');
    await supersedeCommand(older, newer, options as Parameters<typeof supersedeCommand>[2]);
  });
}
