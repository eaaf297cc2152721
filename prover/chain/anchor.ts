/** Anchoring from a program: one attested record, from a sender at hand. */
import type { Address, Hash, Hex } from 'viem';

import { adapterRecordId, type RunAttestation } from '../../protocol/attestation.ts';
import { anchorCall } from './calls.ts';
import type { Sender } from './connection.ts';
import { openRegistry, type RegistryOptions } from './registry.ts';
import { transact } from './transact.ts';
import { PATIENCE } from './wait.ts';

/** A mined anchoring transaction. */
export interface AnchorReceipt {
  readonly id: Hex;
  readonly chainId: number;
  readonly registry: Address;
  readonly hash: Hash;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
}

/**
 * Anchors an attested run and waits until the transaction is mined. Nothing is kept on the disk: see `transact` for that.
 * @param options.record the attested run, with the attestation's time
 * @param options.attester whose signature it is
 * @param options.signature 65 bytes over `runAttestationDigest(record)`
 * @param options.sender the record's owner
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError, LowFundsError; RegistryRefusedError where the contract
 *   reverts, in most cases before anything is sent; and as `transact`
 */
export async function anchorAdapter(
  options: RegistryOptions & {
    readonly sender: Sender;
    readonly record: RunAttestation;
    readonly attester: Address;
    readonly signature: Hex;
  },
): Promise<AnchorReceipt> {
  const { record, attester, signature, sender } = options;
  const found = await openRegistry(options);
  const call = anchorCall(found.registry, { attestation: record, attester, signature });
  const sent = await transact(found, async () => call, { signer: () => sender, journal: null, patience: PATIENCE });
  const { chainId, registry, hash, blockNumber, gasUsed } = sent;
  return { id: adapterRecordId(record), chainId, registry, hash, blockNumber, gasUsed };
}
