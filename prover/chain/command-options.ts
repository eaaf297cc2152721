/** Options that the commands of the chain have in common. */
import { InvalidArgumentError, Option, type Command } from 'commander';

/** Which chain and registry, who sends, how long to wait. */
export interface ChainRequest {
  readonly rpc?: string;
  readonly registry?: string;
  readonly chain?: string;
  readonly chainId?: number;
  readonly account?: string;
  readonly unsigned?: string;
  readonly from?: string;
  readonly fees?: boolean;
  readonly signed?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly confirmations: number;
  /** Gwei for each unit of gas. */
  readonly maxFee?: number;
  readonly again?: boolean;
  readonly bump?: boolean;
  readonly json: boolean;
}

/** Where a run's attestation or record is looked for. */
export interface SourceRequest {
  readonly worker?: string;
  readonly attestation?: readonly string[];
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number, ${least} or more.`);
    return value;
  };
}

export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `--worker` and `--attestation`. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--worker <url>', 'the verification service that attests the run')
    .addOption(
      new Option('--attestation <file>', 'a file with the attestation, instead of a service; repeatable').argParser(
        collect,
      ),
    );
}

/** Everything about the chain. */
export function addChainOptions(command: Command): Command {
  return command
    .option('--rpc <url>', 'Ethereum node (default with --chain: a public one)')
    .option('--registry <address>', 'AdapterRegistry contract')
    .option('--chain <name>', 'the chain that the node must serve, as viem names it: mainnet, base, sepolia, …')
    .option('--chain-id <number>', 'the same by its number', wholeNumber(1))
    .option('--account <address>', 'an account that the node signs for, instead of a private key')
    .option('--unsigned <file>', 'send nothing: write the transaction for a hardware wallet or a multisig')
    .option('--from <address>', 'with --unsigned: who will send it, where that is not the run’s owner')
    .option('--fees', 'with --unsigned: with nonce, gas and fees as the node tells them now', false)
    .option('--signed <file>', 'send what was signed elsewhere: a raw transaction, 0x… or a file with it')
    .option('--timeout <seconds>', 'how long to wait until it is mined', wholeNumber(1), 180)
    .option('--confirmations <blocks>', 'blocks after which it counts as mined', wholeNumber(1), 1)
    .option('--max-fee <gwei>', 'the most to pay for each unit of gas (default: 1000)', wholeNumber(1))
    .option('--bump', 'raise the fee of the transaction that is under way', false)
    .option('--again', 'send anew what was replaced, cancelled or reverted', false)
    .option('--json', 'print the receipt as JSON', false)
    .addHelpText(
      'after',
      '\nThe environment variable ZKLORA_PRIVATE_KEY holds the sender’s private key. What is sent is kept in the folder\n' +
        '"transactions" of the run; a command that was stopped goes on with it when it is run again.',
    );
}
