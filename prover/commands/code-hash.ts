import type { Command } from 'commander';

/** `./zklora code-hash` */
export function register(program: Command): void {
  program
    .command('code-hash')
    .description(
      'the hash of the verifier’s sources that attestations name; exit status 1 where protocol/ states another',
    )
    .option('--write', 'state it in protocol/code-hash.ts, after a change of protocol/', false)
    .action(async ({ write }: { write: boolean }) => {
      const { codeHash, writeCodeHash, CODE_HASH_COMMAND, CODE_HASH_FILE } = await import('../code-hash.ts');
      const hash = write ? await writeCodeHash() : await codeHash();
      process.stdout.write(`${hash}\n`);
      if (write) return;
      const { CODE_HASH } = await import('../../protocol/code-hash.ts');
      if (CODE_HASH === hash) return;
      process.stderr.write(`${CODE_HASH_FILE} states ${CODE_HASH}; bring it up to date with ${CODE_HASH_COMMAND}\n`);
      process.exitCode = 1;
    });
}
