/** Public chains by the names that viem gives them. */
import type { Chain, Hash } from 'viem';

import { UnknownChainError } from './errors.ts';

/** The chains that `hardhat.config.ts` has entries for. */
export const PUBLIC_CHAINS = [
  'mainnet',
  'sepolia',
  'base',
  'baseSepolia',
  'arbitrum',
  'arbitrumSepolia',
  'optimism',
  'optimismSepolia',
] as const;

// Loaded when asked for: viem knows hundreds of chains.
const known = async (): Promise<Readonly<Record<string, Chain>>> => import('viem/chains');

/**
 * A chain by name.
 * @param name as in viem/chains; `base-sepolia` is taken for `baseSepolia`
 * @throws UnknownChainError
 */
export async function publicChain(name: string): Promise<Chain> {
  const chains = await known();
  const key = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (!Object.hasOwn(chains, key) || typeof chains[key].id !== 'number')
    throw new UnknownChainError(name, PUBLIC_CHAINS);
  return chains[key];
}

/** Where a transaction of a public chain can be looked at; undefined for other chains. */
export async function explorerLink(chainId: number, hash: Hash): Promise<string | undefined> {
  const chains = await known();
  const url = PUBLIC_CHAINS.map((name) => chains[name]).find(({ id }) => id === chainId)?.blockExplorers?.default.url;
  return url === undefined ? undefined : `${url.replace(/\/$/, '')}/tx/${hash}`;
}
