/** Anchored: does a registry on a chain hold this adapter's record? */
import type { Address, Hex } from 'viem';
import { findAnchors, readAnchor } from '../chain/registry.ts';
import { difference, type Expected } from './attested.ts';
import { no, yes, type Answer } from './answers.ts';

export interface Registry {
  readonly rpcUrl: string;
  readonly registry: Address;
  readonly chainId?: number | undefined;
  /** Where to begin in the chain's log. */
  readonly fromBlock?: bigint | undefined;
}

/**
 * Looks a record up.
 *
 * @param attester the only one whose attestation counts, since anybody can attest and the registry judges nobody; null: any
 * @throws the errors of chains
 */
export async function anchored(
  at: Registry,
  expected: Expected & { readonly adapterRoot: Hex },
  attester: Hex | null,
): Promise<Answer> {
  const { adapterRoot } = expected;
  const events = await findAnchors({ ...at, adapterRoot });
  if (events.length === 0) return no(`the registry ${at.registry} has no anchor of this adapter root`);
  const event = events.find(({ run }) => difference(expected, run) === null);
  if (event === undefined) return no('the registry anchors this adapter root for another run or owner alone');
  // The log tells what happened once, the storage what holds now.
  const { anchor, chainId, id } = await readAnchor({ ...at, record: event.run });
  if (anchor === undefined) return no(`the record ${id} was anchored but no longer is`);
  const when = new Date(Number(anchor.anchoredAt) * 1000).toISOString();
  const { blockNumber, hash } = event;
  const evidence = {
    chain: chainId,
    registry: at.registry,
    block: Number(blockNumber),
    transaction: hash,
    record: id,
    attester: anchor.attester,
    anchored: when,
  };
  if (attester !== null && anchor.attester.toLowerCase() !== attester.toLowerCase())
    return no(`it is anchored on the word of another than ${attester}`, evidence);
  return yes(evidence);
}
