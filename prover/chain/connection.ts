import {
  createPublicClient,
  createWalletClient,
  http,
  type Address,
  type Hex,
  type PublicClient,
  type Transport,
  type WalletClient,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

import { ChainUnreachableError, WrongChainError } from './errors.ts';

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
  readonly chainId: number;
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
  return { client, chainId: actual };
}

/** A client that signs, here or in the node. */
export function walletOf(rpcUrl: string, sender: Sender): WalletClient<Transport> & { account: { address: Address } } {
  const account = 'privateKey' in sender ? privateKeyToAccount(sender.privateKey) : sender.account;
  return createWalletClient({ account, transport: http(rpcUrl) });
}
