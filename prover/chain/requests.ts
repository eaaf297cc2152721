/** From the options of a command to chain, registry and sender. */
import { readFile } from 'node:fs/promises';
import { getAddress, isAddress, type Address, type Hex } from 'viem';

import type { ChainRequest } from './command-options.ts';
import { RequestError } from './errors.ts';
import { publicChain } from './networks.ts';
import type { RegistryOptions } from './registry.ts';
import { NoSenderError, SignedTransactionError } from './transaction-errors.ts';
import type { Signer } from './transact.ts';

/** An address that a user gave; capitals, where mixed, must be those of ERC-55. @throws RequestError */
export function addressGiven(text: string): Address {
  const plain = text === text.toLowerCase() || /^0x[0-9A-F]{40}$/.test(text);
  if (!isAddress(text, { strict: !plain }))
    throw new RequestError(
      `"${text}" is no Ethereum address`,
      'Give 0x and 40 hexadecimal digits; where capitals are mixed, they are a check sum.',
    );
  return getAddress(text.toLowerCase());
}

/** The registry that is asked for. @throws RequestError, UnknownChainError */
export async function registryGiven(
  request: Pick<ChainRequest, 'rpc' | 'chain' | 'chainId'> & { readonly registry?: string | undefined },
): Promise<RegistryOptions> {
  const chain = request.chain === undefined ? undefined : await publicChain(request.chain);
  const { chainId = chain?.id, registry, rpc: rpcUrl = chain?.rpcUrls.default.http[0] } = request;
  if (chain !== undefined && chainId !== chain.id)
    throw new RequestError(
      `chain ${request.chain} is ${chain.id}, not ${chainId}`,
      'Give one of --chain and --chain-id.',
    );
  if (rpcUrl === undefined) throw new RequestError('no node is named', 'Give the URL of a node by --rpc.');
  if (URL.canParse(rpcUrl) === false || !/^https?:/.test(rpcUrl))
    throw new RequestError(`"${rpcUrl}" is no URL of a node`, 'Give one such as http://127.0.0.1:8545.');
  if (registry === undefined) throw new RequestError('no registry is named', 'Give its address by --registry.');
  return { rpcUrl, registry: addressGiven(registry), chainId };
}

/** The raw transaction or signature that was given, itself or in a file. @throws SignedTransactionError */
export async function signedGiven(given: string): Promise<Hex> {
  const text = /^0x[0-9a-fA-F]*$/.test(given) ? given : (await readFile(given, 'utf8')).trim();
  if (/^0x([0-9a-fA-F]{2})+$/.test(text)) return text.toLowerCase() as Hex;
  throw new SignedTransactionError(
    'format',
    `${given} is not 0x and hexadecimal digits`,
    'Give what the wallet signed.',
  );
}

/** Who signs, read when it is asked for. @throws SignedTransactionError */
export async function signerGiven({ account, signed }: ChainRequest): Promise<() => Signer> {
  if (signed !== undefined) {
    const raw = await signedGiven(signed);
    return () => ({ signed: raw });
  }
  if (account !== undefined) {
    const address = addressGiven(account);
    return () => ({ account: address });
  }
  return () => ({ privateKey: privateKeyGiven() });
}

/** The key in the environment. @throws NoSenderError, which doesn't show it */
function privateKeyGiven(): Hex {
  const privateKey = process.env['ZKLORA_PRIVATE_KEY'];
  if (privateKey === undefined) throw new NoSenderError('nobody is named who signs');
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey))
    throw new NoSenderError('ZKLORA_PRIVATE_KEY is no private key: 0x and 64 hexadecimal digits');
  return privateKey as Hex;
}
