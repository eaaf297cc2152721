import { readdir } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { explain } from './explain.ts';

interface CommandModule {
  readonly register: (program: Command) => void;
}

// What Node.js strips and compiles is kept, in a folder that no other user of the machine can write to.
enableCompileCache(fileURLToPath(new URL('../.zklora/compile-cache', import.meta.url)));

const COMMANDS = new URL('commands/', import.meta.url);

/** Loads the one command that is asked for, or all of them for the help text. A command's file carries its name. */
async function registerCommands(program: Command, asked: string | undefined): Promise<void> {
  const names = (await readdir(COMMANDS)).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
  const wanted = asked !== undefined && names.includes(asked) ? [asked] : names.sort();
  for (const name of wanted) {
    const module = (await import(new URL(`${name}.ts`, COMMANDS).href)) as CommandModule;
    module.register(program);
  }
}

const program = new Command('zklora')
  .usage('<command> [options]')
  .description('Proofs that a LoRA adapter came out of a declared fine-tuning run.')
  .option('--verbose', 'print the stack of errors')
  .option('--yes', 'do not ask before installing missing parts on the system')
  .showHelpAfterError('(run with --help for what there is)');

await registerCommands(
  program,
  process.argv.slice(2).find((argument) => !argument.startsWith('-')),
);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error, { verbose: program.opts<{ verbose?: boolean }>().verbose ?? false })}\n`);
  process.exitCode = 1;
}
