/** A signed transaction, read and held against what is meant. */
import { keccak256, parseTransaction, recoverTransactionAddress, type Address, type Hash, type Hex } from 'viem';

import type { RegistryCall } from './calls.ts';
import { SignedTransactionError } from './transaction-errors.ts';

/** What a signed transaction says. */
export interface SignedTransaction {
  readonly raw: Hex;
  readonly hash: Hash;
  readonly sender: Address;
  readonly nonce: number;
  readonly gas: bigint;
  /** Wei for each unit of gas, at most. */
  readonly maxFeePerGas: bigint;
}

/**
 * Reads a raw signed transaction and checks that it is a call, on its chain, and nothing besides.
 * @param raw RLP of any type of transaction that has a chain id
 * @throws SignedTransactionError naming the field that differs
 */
export async function readSigned(raw: Hex, call: RegistryCall, chainId: number): Promise<SignedTransaction> {
  let parsed: ReturnType<typeof parseTransaction>;
  let sender: Address;
  try {
    parsed = parseTransaction(raw as `0x02${string}`);
    sender = await recoverTransactionAddress({ serializedTransaction: raw as `0x02${string}` });
  } catch {
    throw new SignedTransactionError(
      'format',
      'it is no signed Ethereum transaction',
      'Give 0x and hexadecimal digits, or a file with them: the raw transaction that the wallet gives.',
    );
  }
  const { to, data = '0x', value = 0n, nonce = 0, gas = 0n, chainId: signedFor } = parsed;
  const lower = (text: string | null | undefined) => text?.toLowerCase();
  const fields: readonly (readonly [string, unknown, unknown])[] = [
    ['chainId', signedFor, chainId],
    ['to', lower(to), lower(call.registry)],
    ['data', lower(data), lower(call.data)],
    ['value', value, 0n],
    ['sender', lower(sender), lower(call.sender ?? sender)],
  ];
  for (const [field, actual, expected] of fields)
    if (actual !== expected)
      throw new SignedTransactionError(field, `its ${field} is ${String(actual)}, meant is ${String(expected)}`);
  if ('authorizationList' in parsed || 'blobVersionedHashes' in parsed)
    throw new SignedTransactionError('format', 'it carries blobs or authorisations');
  const maxFeePerGas = parsed.maxFeePerGas ?? parsed.gasPrice ?? 0n;
  return { raw, hash: keccak256(raw), sender, nonce, gas, maxFeePerGas };
}
