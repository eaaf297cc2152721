import {
  BaseError,
  createPublicClient,
  createWalletClient,
  http,
  HttpRequestError,
  TimeoutError,
  type Address,
  type Hex,
  type PublicClient,
  type Transport,
  type WalletClient,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

import { ChainUnreachableError, NodeRefusedError, WrongChainError } from './errors.ts';

/** Who sends a transaction: a private key held here, or an account that the node signs for. */
export type Sender = { readonly privateKey: Hex } | { readonly account: Address };

/** A node and, if given, the chain that it must serve. */
export interface ChainOptions {
  readonly rpcUrl: string;
  readonly chainId?: number | undefined;
}

/** Clients of a node that answered. */
export interface Connection {
  readonly client: PublicClient<Transport>;
  readonly rpcUrl: string;
  readonly chainId: number;
}

/** Whether an error of viem's means that no answer came. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  return error.walk((cause) => cause instanceof HttpRequestError || cause instanceof TimeoutError) !== null;
}

/** What the node itself said, where viem tells. */
export function nodeReason(error: unknown): string {
  if (!(error instanceof BaseError)) return error instanceof Error ? error.message : String(error);
  const { details, shortMessage } = error;
  return details === '' ? shortMessage : details;
}

/**
 * Does something at a node; what viem throws becomes an error that a person can act on.
 * @throws ChainUnreachableError, NodeRefusedError, and what `work` throws by itself
 */
export async function atNode<T>(rpcUrl: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUnreachable(error)) throw new ChainUnreachableError(rpcUrl, { cause: error });
    if (!(error instanceof BaseError)) throw error;
    const reason = nodeReason(error);
    const range = /range|too many|more than \d+ results|limit/i.test(reason);
    const next = range ? 'Begin later in the chain’s log with --from-block, or ask another node.' : undefined;
    throw new NodeRefusedError(rpcUrl, reason, next, { cause: error });
  }
}

/** Connects for reading. Throws `ChainUnreachableError` and, where `chainId` is given, `WrongChainError`. */
export async function connect({ rpcUrl, chainId }: ChainOptions): Promise<Connection> {
  const client = createPublicClient({ transport: http(rpcUrl), pollingInterval: 500 });
  let actual: number;
  try {
    actual = await client.getChainId();
  } catch (cause) {
    throw new ChainUnreachableError(rpcUrl, { cause });
  }
  if (chainId !== undefined && chainId !== actual) throw new WrongChainError(rpcUrl, chainId, actual);
  return { client, rpcUrl, chainId: actual };
}

/** A client that signs, here or in the node. */
export function walletOf(rpcUrl: string, sender: Sender): WalletClient<Transport> & { account: { address: Address } } {
  const account = 'privateKey' in sender ? privateKeyToAccount(sender.privateKey) : sender.account;
  return createWalletClient({ account, transport: http(rpcUrl) });
}
