import { Option, type Command } from 'commander';

import type { ComputeKind } from '../compute.ts';

interface ProveOptions {
  readonly stepsPerProof: number;
  readonly backend: ComputeKind;
  readonly json: boolean;
}

/** `./zklora prove RUN` */
export function register(program: Command): void {
  program
    .command('prove')
    .description('prove every step of a trained run, one proof file per segment; goes on where it was stopped')
    .argument('<run>', 'folder of the run')
    .option('--steps-per-proof <number>', 'steps a segment, a power of two', Number, 1)
    .addOption(new Option('--backend <backend>', 'what computes').choices(['gpu', 'cpu']).default('gpu'))
    .option('--json', 'print the proofs as JSON', false)
    .action(async (run: string, options: ProveOptions) => {
      const { proveCommand } = await import('../proofs/prove-command.ts');
      process.exitCode = await proveCommand(run, options);
    });
}
