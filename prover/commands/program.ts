import type { Command } from 'commander';

/** `./zklora program` */
export function register(program: Command): void {
  program
    .command('program')
    .description('the relations that are proven for a model, with the bound of each, and the share of padding')
    .requiredOption('--model <dir>', 'Hugging Face LLaMA directory')
    .option('--config <file>', 'configuration of the run, as for train')
    .option('--data-rows <number>', 'rows of the data', Number, 1024)
    .option('--steps-per-proof <number>', 'steps a segment, a power of two', Number, 1)
    .option('--json', 'print everything as JSON', false)
    .action(
      async (options: { model: string; config?: string; dataRows: number; stepsPerProof: number; json: boolean }) => {
        const { programCommand } = await import('../proofs/program-command.ts');
        await programCommand(options);
      },
    );
}
