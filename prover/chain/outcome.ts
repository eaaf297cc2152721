/** What the chain says of a transaction: mined, pending, unknown, or shut out by another with its nonce. */
import {
  isAddressEqual,
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  type Address,
  type Hash,
  type Hex,
  type Transaction,
  type TransactionReceipt,
} from 'viem';

import type { Connection } from './connection.ts';

type Client = Connection['client'];

/** A transaction that was sent, in one or more versions of the same nonce. */
export interface SentTransaction {
  readonly sender: Address;
  readonly nonce: number;
  readonly to: Address;
  readonly data: Hex;
  /** Those that are known. */
  readonly hashes: readonly Hash[];
  /** A block at which the nonce was not used yet. */
  readonly block: bigint;
}

/** What became of it. */
export type Outcome =
  | {
      readonly kind: 'mined';
      readonly receipt: TransactionReceipt;
      /** Not one of the known hashes: the wallet sent the same call again, for instance with a higher fee. */
      readonly repriced: boolean;
    }
  /** viem's words: a transfer of nothing to oneself cancels; any other transaction replaces. Null: the node can't tell. */
  | { readonly kind: 'cancelled' | 'replaced'; readonly by: Hash | null }
  /** The node has it, or what it has can't be told. */
  | { readonly kind: 'pending'; readonly nextNonce: number }
  /** The node has none of its versions, and its nonce is free. */
  | { readonly kind: 'unknown'; readonly nextNonce: number };

async function receiptOf(client: Client, hashes: readonly Hash[]): Promise<TransactionReceipt | undefined> {
  for (const hash of hashes) {
    try {
      return await client.getTransactionReceipt({ hash });
    } catch (error) {
      if (!(error instanceof TransactionReceiptNotFoundError)) throw error;
    }
  }
  return undefined;
}

async function isKnown(client: Client, hashes: readonly Hash[]): Promise<boolean> {
  for (const hash of hashes) {
    try {
      await client.getTransaction({ hash });
      return true;
    } catch (error) {
      if (!(error instanceof TransactionNotFoundError)) throw error;
    }
  }
  return false;
}

/**
 * The mined transaction with a sender's nonce: found by the block in which the sender's number of transactions passed it.
 * @returns null where the node has no state that old
 */
async function takerOf(client: Client, { sender, nonce, block }: SentTransaction): Promise<Transaction | null> {
  try {
    // Between these two: the nonce is not used at `low`, and is at `high`.
    let low = block;
    let high = await client.getBlockNumber();
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      const count = await client.getTransactionCount({ address: sender, blockNumber: middle });
      if (count > nonce) high = middle;
      else low = middle;
    }
    const { transactions } = await client.getBlock({ blockNumber: high, includeTransactions: true });
    const taker = transactions.find((one) => one.nonce === nonce && isAddressEqual(one.from, sender));
    return taker ?? null;
  } catch {
    return null;
  }
}

/** Asks the chain once. */
export async function outcomeOf(client: Client, sent: SentTransaction): Promise<Outcome> {
  const { sender, nonce, to, data, hashes } = sent;
  const early = await receiptOf(client, hashes);
  if (early !== undefined) return { kind: 'mined', receipt: early, repriced: false };
  const nextNonce = await client.getTransactionCount({ address: sender });
  if (nextNonce <= nonce) return { kind: (await isKnown(client, hashes)) ? 'pending' : 'unknown', nextNonce };
  // It may have been mined between the two questions.
  const late = await receiptOf(client, hashes);
  if (late !== undefined) return { kind: 'mined', receipt: late, repriced: false };
  const taker = await takerOf(client, sent);
  if (taker === null) return { kind: 'replaced', by: null };
  // One of several nodes behind an address may lag: it has no receipt yet.
  const ours = hashes.includes(taker.hash);
  const same = taker.to !== null && isAddressEqual(taker.to, to) && taker.input === data && taker.value === 0n;
  if (ours || same) {
    const receipt = await receiptOf(client, [taker.hash]);
    return receipt === undefined ? { kind: 'pending', nextNonce } : { kind: 'mined', receipt, repriced: !ours };
  }
  const cancels = taker.to !== null && isAddressEqual(taker.to, sender) && taker.value === 0n && taker.input === '0x';
  return { kind: cancels ? 'cancelled' : 'replaced', by: taker.hash };
}
