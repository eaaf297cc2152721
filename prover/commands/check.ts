import { Option, type Command } from 'commander';

import { collect, wholeNumber } from '../chain/command-options.ts';
import type { CheckRequest } from '../check/command.ts';

/** `./zklora check ADAPTER_DIR` */
export function register(program: Command): void {
  program
    .command('check')
    .description('is this adapter the committed, proven, attested, anchored one? four answers with evidence')
    .argument('<adapter>', 'PEFT directory with zklora.json')
    .option('--proofs <dir>', 'folder of proof files (default: proofs beside the adapter, else from the service)')
    .option('--worker <url>', 'verification service')
    .option('--attester <address>', 'the only attester that counts; repeatable with --threshold', collect)
    .option('--attester-set <address>', 'AttesterSet contract whose members count; it counts no record of a batch')
    .option(
      '--threshold <number>',
      'how many of them must have attested: signed for the service or in the batch file, or recorded on chain',
      wholeNumber(1),
    )
    .option('--rpc <url>', 'Ethereum node')
    .option('--registry <address>', 'AdapterRegistry contract')
    .option('--batch <file>', 'a batch that the record may be in, as anchor --batch wrote it')
    .option('--chain <name>', 'the chain that the node must serve, as viem names it: mainnet, base, sepolia, …')
    .option('--chain-id <number>', 'the same by its number', Number)
    .option('--from-block <number>', 'where to begin in the chain’s log', Number)
    .option('--require <answers>', 'answers that must be yes, with commas', (value: string) => value.split(','))
    .addOption(new Option('--backend <backend>', 'what computes').choices(['auto', 'gpu', 'cpu']).default('auto'))
    .option('--json', 'print the answers as JSON', false)
    .action(async (adapter: string, options: CheckRequest) => {
      const { checkCommand } = await import('../check/command.ts');
      process.exitCode = await checkCommand(adapter, options);
    });
}
