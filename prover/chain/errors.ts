/** What can go wrong with nodes, chains and what is on them; those of transactions are in transaction-errors.ts. */
import { formatEther, formatGwei, type Address, type Hash, type Hex } from 'viem';

import { ProverError } from '../errors.ts';

/** No node answers at the URL. */
export class ChainUnreachableError extends ProverError {
  readonly rpcUrl: string;

  constructor(rpcUrl: string, options?: ErrorOptions) {
    super(`no Ethereum node answers at ${rpcUrl}`, 'Check the URL and that the node runs, then try again.', options);
    this.rpcUrl = rpcUrl;
  }
}

/** The node serves another chain than the one meant. */
export class WrongChainError extends ProverError {
  readonly expected: number;
  readonly actual: number;

  constructor(rpcUrl: string, expected: number, actual: number) {
    super(
      `${rpcUrl} serves chain ${actual}, not chain ${expected}`,
      `Give the URL of a node of chain ${expected}, or ask for chain ${actual}.`,
    );
    this.expected = expected;
    this.actual = actual;
  }
}

/** No public chain has the name. */
export class UnknownChainError extends ProverError {
  constructor(name: string, examples: readonly string[]) {
    super(
      `"${name}" is the name of no chain`,
      `Give a name as viem/chains has it, for instance ${examples.join(', ')}, or a number by --chain-id.`,
    );
  }
}

/** The options of a command contradict each other, or one is missing. */
export class RequestError extends ProverError {}

/** Which record is meant can't be told, or it is not in the state that is needed. */
export class RecordError extends ProverError {}

/** The node answered, and refused. */
export class NodeRefusedError extends ProverError {
  readonly rpcUrl: string;

  constructor(rpcUrl: string, reason: string, next?: string, options?: ErrorOptions) {
    super(`the node at ${rpcUrl} refused: ${reason}`, next ?? 'Try again later, or with another node.', options);
    this.rpcUrl = rpcUrl;
  }
}

/** There is no adapter registry at the address. */
export class NoRegistryError extends ProverError {
  readonly address: Address;
  readonly chainId: number;

  constructor(address: Address, chainId: number, found: 'nothing' | 'another contract') {
    super(
      `${found} is at ${address} on chain ${chainId}, where the adapter registry should be`,
      'Check the address and the chain, or deploy a registry: hardhat ignition deploy ignition/modules/AdapterRegistry.ts',
    );
    this.address = address;
    this.chainId = chainId;
  }
}

/** The fee that the node names is higher than what is to be paid at most. */
export class HighFeeError extends ProverError {
  /** Wei for each unit of gas. */
  readonly fee: bigint;
  readonly most: bigint;

  constructor(rpcUrl: string, fee: bigint, most: bigint) {
    super(
      `the node at ${rpcUrl} names a fee of ${formatGwei(fee)} gwei for each unit of gas, more than ${formatGwei(most)}`,
      'Wait until it is lower, ask another node, or allow it by --max-fee GWEI.',
    );
    this.fee = fee;
    this.most = most;
  }
}

/** There is no attester set at the address. */
export class NoAttesterSetError extends ProverError {
  readonly address: Address;

  constructor(address: Address, chainId: number) {
    super(`no attester set is at ${address} on chain ${chainId}`, 'Check the address and the chain.');
    this.address = address;
  }
}

/** There is no adapter directory at the address. */
export class NoDirectoryError extends ProverError {
  readonly address: Address;

  constructor(address: Address, chainId: number) {
    super(`no adapter directory is at ${address} on chain ${chainId}`, 'Check the address and the chain.');
    this.address = address;
  }
}

/** What is published under an id is another record. */
export class ForeignRecordError extends ProverError {
  readonly id: Hex;

  constructor(directory: Address, id: Hex) {
    super(
      `the record that ${directory} has under ${id} has another id`,
      'Don’t use it; check the address of the directory, or ask another node.',
    );
    this.id = id;
  }
}

/** The sender can't pay for the transaction. */
export class LowFundsError extends ProverError {
  readonly sender: Address;
  /** What the sender has, in wei. */
  readonly balance: bigint;
  /** What the transaction may cost at most, in wei. */
  readonly needed: bigint;

  constructor(sender: Address, balance: bigint, needed: bigint) {
    super(
      `${sender} has ${formatEther(balance)} ETH; the transaction may cost ${formatEther(needed)} ETH`,
      `Send at least ${formatEther(needed - balance)} ETH to ${sender} on this chain and run the command again.`,
    );
    this.sender = sender;
    this.balance = balance;
    this.needed = needed;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  AlreadyAnchored:
    'Nothing is left to do: this record is anchored, or was and is superseded or revoked. See it with ./zklora check.',
  AlreadyAttested: 'Nothing is left to do: this attestation is recorded.',
  AlreadyRevoked: 'Nothing is left to do: this record is revoked.',
  AlreadySuccessor: 'The newer record supersedes another already: a lineage has no branches.',
  AttestationFromFuture: "The attester's clock is ahead of the chain: wait, or have the run attested again.",
  AttesterMismatch: 'The record is not the attested one: fetch the attestation of this very run and try again.',
  BatchAlreadyAnchored: 'Nothing is left to do: this batch is anchored.',
  ConsentExpired: 'The owner has to sign a new consent with a later deadline.',
  InvalidAccountNonce: 'The consent was used or cancelled: the owner has to sign a new one.',
  InvalidConsent: 'The owner has to sign a consent to this record and attester, for this chain and registry.',
  InvalidSignature: 'The signature is damaged: fetch the attestation again.',
  NotAnchored: 'Anchor the record first; one that is superseded or revoked stays so.',
  NotSupersedable: 'The older record is superseded or revoked already.',
  NotRecordOwner: "Send the transaction from the owner's account, the one in the run's statement.",
  SupersedesItself: 'Name two different runs.',
};

/** Records that make no batch. */
export class BatchError extends ProverError {
  constructor(problem: string, next = 'Give each record of the batch once.') {
    super(problem, next);
  }
}

/** The registry refused a call, in a trial or on chain. */
export class RegistryRefusedError extends ProverError {
  /** The contract's custom error, or undefined where the chain gave none. */
  readonly errorName: string | undefined;
  /** The custom error's arguments, in order. */
  readonly args: readonly unknown[];
  /** The transaction, where one was mined. */
  readonly hash: Hash | undefined;

  constructor(refusal: { errorName?: string; args?: readonly unknown[]; hash?: Hash }, options?: ErrorOptions) {
    const { errorName, args = [], hash } = refusal;
    const what = errorName === undefined ? 'without a reason' : `with ${errorName}(${args.map(String).join(', ')})`;
    const unknown =
      hash === undefined
        ? 'Check that the address is that of an adapter registry, and the account that sends.'
        : 'Look the transaction up on an explorer of the chain.';
    super(
      `the registry refused ${what}${hash === undefined ? '' : ` in transaction ${hash}`}`,
      ADVICE[errorName ?? ''] ?? unknown,
      options,
    );
    this.errorName = errorName;
    this.args = args;
    this.hash = hash;
  }
}

/** The local chain, or the contracts' build, ended without doing its work. */
export class HardhatError extends ProverError {
  /** The last lines it printed. */
  readonly output: string;

  constructor(what: string, output: string) {
    super(`${what}${output === '' ? '' : `:\n${output}`}`, 'Check the installation with ./zklora doctor.');
    this.output = output;
  }
}
