/** A transaction for somebody who signs elsewhere: a hardware wallet, a multisig, a machine without a network. */
import { numberToHex, serializeTransaction, type Address, type Hex } from 'viem';

import { ACTION_WORDS, meaningOf, type RegistryCall } from './calls.ts';
import { RequestError } from './errors.ts';
import { prepare, rehearse, type Preparation } from './prepare.ts';
import type { Registry } from './registry.ts';
import { replaceFile } from './whole-file.ts';

/** What a signer has to know. Numbers are 0x-hexadecimal, as in JSON-RPC's eth_sendTransaction. */
export interface UnsignedFile {
  readonly format: 'zklora/unsigned/v1';
  readonly transaction: {
    readonly chainId: Hex;
    readonly from?: Address;
    readonly to: Address;
    readonly value: '0x0';
    readonly data: Hex;
    readonly type?: '0x2';
    readonly nonce?: Hex;
    readonly gas?: Hex;
    readonly maxFeePerGas?: Hex;
    readonly maxPriorityFeePerGas?: Hex;
  };
  /** EIP-1559's serialisation without signature, where nonce, gas and fees are there. */
  readonly serialized?: Hex;
  /** In words. */
  readonly summary: readonly string[];
}

/** A call in words. @param chainId where */
export function summaryOf({ registry, data, sender }: RegistryCall, chainId: number): string[] {
  const { action, facts } = meaningOf(data)!;
  const lines = [
    ['registry', `${registry} on chain ${chainId}`],
    ['sent by', sender ?? 'anybody'],
    ['value', '0'],
    ...facts,
  ];
  return [ACTION_WORDS[action], ...lines.map(([name, value]) => `  ${name.padEnd(16)} ${value}`)];
}

function complete(chainId: number, to: Address, data: Hex, needs: Preparation) {
  const { nonce, gas, maxFeePerGas, maxPriorityFeePerGas } = needs;
  const hex = (value: bigint | number): Hex => numberToHex(value);
  const fees = { maxFeePerGas: hex(maxFeePerGas), maxPriorityFeePerGas: hex(maxPriorityFeePerGas) };
  const whole = {
    type: 'eip1559',
    chainId,
    to,
    data,
    value: 0n,
    nonce,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas,
  } as const;
  return {
    fields: { type: '0x2', nonce: hex(nonce), gas: hex(gas), ...fees } as const,
    serialized: serializeTransaction(whole),
  };
}

/**
 * Writes a call as an unsigned transaction, after a trial from who will send it.
 * @param options.from who will send it; by default the only one who may
 * @param options.fees with nonce, gas and fees
 * @throws RegistryRefusedError, LowFundsError; RequestError where anybody may send and nobody is named
 */
export async function writeUnsigned(
  file: string,
  registry: Registry,
  call: RegistryCall,
  options: { readonly from: Address | undefined; readonly fees: boolean },
): Promise<UnsignedFile> {
  const { chainId } = registry;
  const from = options.from ?? call.sender ?? undefined;
  if (from === undefined) throw new RequestError('nobody is named who will send it', 'Give the address by --from.');
  await rehearse(registry, call.data, from);
  const needs = options.fees
    ? complete(chainId, call.registry, call.data, await prepare(registry, call, from))
    : undefined;
  const target = { chainId: numberToHex(chainId), from, to: call.registry, value: '0x0', data: call.data } as const;
  const content: UnsignedFile = {
    format: 'zklora/unsigned/v1',
    transaction: { ...target, ...needs?.fields },
    ...(needs && { serialized: needs.serialized }),
    summary: summaryOf({ ...call, sender: from }, chainId),
  };
  await replaceFile(file, `${JSON.stringify(content, null, 2)}\n`);
  return content;
}
