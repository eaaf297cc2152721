import { Option, type Command } from 'commander';

import type { BackendChoice } from '../compute.ts';

/** `./zklora commit --model DIR` */
export function register(program: Command): void {
  program
    .command('commit')
    .description('the base root of a model: whoever has the same model gets the same root')
    .requiredOption('--model <dir>', 'Hugging Face LLaMA directory')
    .option('--frozen <bits>', 'bound of the integer weights, log₂ (widths.frozen of the run)', Number)
    .addOption(new Option('--backend <backend>', 'what computes').choices(['auto', 'gpu', 'cpu']).default('auto'))
    .option('--json', 'print the root as JSON', false)
    .action(async (options: { model: string; frozen?: number; backend: BackendChoice; json: boolean }) => {
      const { commitCommand } = await import('../proofs/commit-command.ts');
      await commitCommand(options);
    });
}
