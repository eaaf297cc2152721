import type { Command } from 'commander';

/** `./zklora doctor` */
export function register(program: Command): void {
  program
    .command('doctor')
    .description('what is missing on this machine, and the command that mends it')
    .option('--json', 'print the findings as JSON', false)
    .action(async (options: { json: boolean }) => {
      const { doctor } = await import('../doctor/doctor.ts');
      process.exitCode = await doctor(options);
    });
}
