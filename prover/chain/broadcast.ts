/** Signing a call and handing it to a node. */
import { keccak256, numberToHex, type Address, type Hash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

import { isUnreachable, nodeReason, type Sender } from './connection.ts';
import type { Attempt, Entry } from './journal.ts';
import type { Fees } from './prepare.ts';
import type { Registry } from './registry.ts';
import { BroadcastError } from './transaction-errors.ts';

/** The address that a sender sends from. */
export function addressOf(sender: Sender): Address {
  return 'privateKey' in sender ? privateKeyToAccount(sender.privateKey).address : sender.account;
}

/** What all versions of a transaction have in common. */
export type Unsigned = Pick<Entry, 'chainId' | 'registry' | 'data' | 'nonce' | 'gas'>;

/** A version of a transaction: signed where the key is here, else to be signed by the node when it is sent. */
export async function signAttempt(sender: Sender, unsigned: Unsigned, fees: Fees): Promise<Attempt> {
  const { maxFeePerGas, maxPriorityFeePerGas } = fees;
  if (!('privateKey' in sender)) return { hash: null, raw: null, maxFeePerGas, maxPriorityFeePerGas };
  const { chainId, registry: to, data, nonce, gas } = unsigned;
  const account = privateKeyToAccount(sender.privateKey);
  const transaction = { type: 'eip1559', chainId, to, data, nonce, gas, value: 0n, maxFeePerGas } as const;
  const raw = await account.signTransaction({ ...transaction, maxPriorityFeePerGas });
  return { hash: keccak256(raw), raw, maxFeePerGas, maxPriorityFeePerGas };
}

/** A fee that nodes take in place of an earlier one: they ask for a tenth more of both parts; or today's, if higher. */
export function raisedFees(earlier: Fees, today: Fees): Fees {
  const raise = (fee: bigint, other: bigint) => {
    const more = fee + fee / 8n + 1n;
    return more > other ? more : other;
  };
  const maxPriorityFeePerGas = raise(earlier.maxPriorityFeePerGas, today.maxPriorityFeePerGas);
  const maxFeePerGas = raise(earlier.maxFeePerGas, today.maxFeePerGas);
  return {
    maxPriorityFeePerGas,
    maxFeePerGas: maxFeePerGas < maxPriorityFeePerGas ? maxPriorityFeePerGas : maxFeePerGas,
  };
}

/**
 * What nodes say of a transaction that they have, whose nonce is used, or, where they mine at once, that was mined and
 * reverted: the chain is asked what that means.
 */
const NO_ERROR =
  /already known|known transaction|already imported|already in|already exists|nonce.{0,12}too low|revert/i;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /insufficient funds|enough funds|exceeds.*balance/i,
    'Send ETH to the account on this chain, then run the same command again: it sends the same transaction.',
  ],
  [
    /underpriced|fee.{0,20}(too low|less than)|max fee/i,
    'Run the same command with --bump: it signs the same transaction with a higher fee.',
  ],
  [
    /nonce/i,
    'An earlier transaction of the account is missing: send or speed it up from its wallet, then run the same command again.',
  ],
];

/**
 * Hands one version of a transaction to the node.
 * @returns its hash
 * @throws BroadcastError, also where no answer came, in which case the node may have it
 */
export async function broadcast(
  { client, rpcUrl }: Registry,
  sender: Address,
  unsigned: Unsigned,
  attempt: Attempt,
): Promise<Hash | null> {
  try {
    if (attempt.raw !== null) return await client.sendRawTransaction({ serializedTransaction: attempt.raw });
    const hex = (value: bigint | number): Hex => numberToHex(value);
    const { registry: to, data, nonce, gas, chainId } = unsigned;
    const { maxFeePerGas, maxPriorityFeePerGas } = attempt;
    const fees = { maxFeePerGas: hex(maxFeePerGas), maxPriorityFeePerGas: hex(maxPriorityFeePerGas) };
    const transaction = { from: sender, to, data, nonce: hex(nonce), gas: hex(gas), chainId: hex(chainId), ...fees };
    return await client.request({ method: 'eth_sendTransaction' as never, params: [transaction] as never });
  } catch (cause) {
    const reason = nodeReason(cause);
    if (NO_ERROR.test(reason)) return attempt.hash;
    const hash = attempt.hash ?? undefined;
    if (isUnreachable(cause)) {
      const next = 'It may have arrived all the same. Run the same command again: it asks the chain first.';
      throw new BroadcastError(hash, `no answer came from ${rpcUrl}`, next, { cause });
    }
    const next = REASONS.find(([pattern]) => pattern.test(reason))?.[1];
    throw new BroadcastError(hash, reason, next ?? 'Run the same command again, or with another node.', { cause });
  }
}
