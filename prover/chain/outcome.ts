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

import { isUnreachable, type Connection } from './connection.ts';

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

/** Blocks searched one by one where a node has no states of old blocks. */
const SEARCHED = 64n;

/** What `ask` answers, or null where the node can't. */
async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (isUnreachable(error)) throw error;
    return null;
  }
}

/**
 * The mined transaction with a sender's nonce: by the nonce, which few nodes answer; in the block in which the sender's
 * number of transactions passed it, for which the node needs old states; or among the first blocks since.
 * @returns null where the node can't tell
 */
async function takerOf(client: Client, sent: SentTransaction): Promise<Transaction | null> {
  const { sender, nonce, block } = sent;
  const named = await orNull(() => client.getTransaction({ sender, nonce }));
  if (named?.blockNumber) return named;
  const last = await client.getBlockNumber({ cacheTime: 0 });
  const inBlock = async (blockNumber: bigint) => {
    const { transactions } = await client.getBlock({ blockNumber, includeTransactions: true });
    return transactions.find((one) => one.nonce === nonce && isAddressEqual(one.from, sender)) ?? null;
  };
  const passed = await orNull(() => blockOfNonce(client, sent, last));
  const taker = passed === null ? null : await orNull(() => inBlock(passed));
  if (taker !== null) return taker;
  for (let number = block + 1n; number <= last && number <= block + SEARCHED; number++) {
    const found = await orNull(() => inBlock(number));
    if (found !== null) return found;
  }
  return null;
}

/** The block after which the sender's nonce is used. @param last at which it is */
async function blockOfNonce(client: Client, { sender, nonce, block }: SentTransaction, last: bigint): Promise<bigint> {
  let [low, high] = [block, last];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const count = await client.getTransactionCount({ address: sender, blockNumber: middle });
    if (count > nonce) high = middle;
    else low = middle;
  }
  return high;
}

/** Asks the chain once. */
export async function outcomeOf(client: Client, sent: SentTransaction): Promise<Outcome> {
  const { sender, nonce, hashes } = sent;
  const early = await receiptOf(client, hashes);
  if (early !== undefined) return { kind: 'mined', receipt: early, repriced: false };
  const nextNonce = await client.getTransactionCount({ address: sender });
  if (nextNonce <= nonce) return { kind: (await isKnown(client, hashes)) ? 'pending' : 'unknown', nextNonce };
  // It may have been mined between the two questions.
  const late = await receiptOf(client, hashes);
  if (late !== undefined) return { kind: 'mined', receipt: late, repriced: false };
  return takenOutcome(client, sent, nextNonce);
}

/** The nonce is used, by none of the known transactions as far as this node has them. */
async function takenOutcome(client: Client, sent: SentTransaction, nextNonce: number): Promise<Outcome> {
  const { sender, to, data, hashes } = sent;
  const taker = await takerOf(client, sent);
  if (taker === null) return { kind: 'replaced', by: null };
  const goesTo = (address: Address) => taker.to !== null && isAddressEqual(taker.to, address) && taker.value === 0n;
  const ours = hashes.includes(taker.hash);
  if (ours || (goesTo(to) && taker.input === data)) {
    const receipt = await receiptOf(client, [taker.hash]);
    // One of several nodes behind an address may lag: it has no receipt yet.
    return receipt === undefined ? { kind: 'pending', nextNonce } : { kind: 'mined', receipt, repriced: !ours };
  }
  return { kind: goesTo(sender) && taker.input === '0x' ? 'cancelled' : 'replaced', by: taker.hash };
}
