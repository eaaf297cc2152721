/** Reading an `AttesterSet`: whom a reader trusts, when, and who was withdrawn. */
import { BaseError, getContract, type Address, type GetContractReturnType, type Hex } from 'viem';

import { ATTESTER_SET_ABI } from './attester-set-abi.ts';
import { atNode, connect, isUnreachable, type ChainOptions, type Connection } from './connection.ts';
import { NoAttesterSetError } from './errors.ts';
import { recordOf, type AdapterRecord } from './records.ts';
import { thresholdOf } from './registry.ts';

/** A set that was found. */
export interface AttesterSet extends Connection {
  readonly set: Address;
  /** Every view of the contract, typed. */
  readonly contract: GetContractReturnType<typeof ATTESTER_SET_ABI, Connection['client'], Address>;
}

/** One attester's key; times in seconds since 1970. */
export interface SetMember {
  readonly attester: Address;
  readonly validFrom: number;
  readonly validUntil: number;
  /** Attestations on chain since then don't count; undefined where it is not withdrawn. */
  readonly withdrawnSince: number | undefined;
  /** When the withdrawal was made. */
  readonly withdrawnAt: number | undefined;
}

/** Who is in a set, and what may change. */
export interface SetState {
  readonly curator: Address;
  /** Whether adding has ended. */
  readonly frozen: boolean;
  /** In the order of adding, withdrawn ones included. */
  readonly members: readonly SetMember[];
}

/** Finds a set. @throws ChainUnreachableError, WrongChainError, NoAttesterSetError */
export async function openAttesterSet(options: ChainOptions & { readonly set: Address }): Promise<AttesterSet> {
  const connection = await connect(options);
  const { set } = options;
  const contract = getContract({ address: set, abi: ATTESTER_SET_ABI, client: connection.client });
  await atNode(connection.rpcUrl, async () => {
    const answers = await contract.read.frozen().catch((cause: unknown) => {
      if (isUnreachable(cause)) throw cause;
      if (cause instanceof BaseError && cause.name === 'ContractFunctionExecutionError') return undefined;
      throw cause;
    });
    if (answers === undefined) throw new NoAttesterSetError(set, connection.chainId);
  });
  return { ...connection, set, contract };
}

/** Reads a set as it is. @throws ChainUnreachableError, NodeRefusedError */
export async function readSet({ contract, rpcUrl }: AttesterSet): Promise<SetState> {
  return atNode(rpcUrl, async () => {
    const [curator, frozen, list] = await Promise.all([
      contract.read.curator(),
      contract.read.frozen(),
      contract.read.members(),
    ]);
    const kept = await Promise.all(list.map((attester) => contract.read.memberOf([attester])));
    const members = kept.map(({ validFrom, validUntil, withdrawnSince, withdrawnAt }, i) => ({
      attester: list[i],
      validFrom,
      validUntil,
      withdrawnSince: withdrawnSince === 0 ? undefined : withdrawnSince,
      withdrawnAt: withdrawnAt === 0 ? undefined : withdrawnAt,
    }));
    return { curator, frozen, members };
  });
}

/**
 * Whether a record is anchored, its verifier not withdrawn, and at least `threshold` members' attestations count.
 * @throws RequestError for a threshold of zero; ChainUnreachableError, NodeRefusedError
 */
export async function isAttestedBySet(
  { contract, rpcUrl }: AttesterSet,
  registry: Address,
  record: AdapterRecord,
  threshold: number,
): Promise<boolean> {
  return atNode(rpcUrl, () => contract.read.isAttested([registry, recordOf(record), thresholdOf(threshold)]));
}

/** When a verifier version was withdrawn, in seconds since 1970; undefined where it was not. */
export async function verifierWithdrawnAt(
  { contract, rpcUrl }: AttesterSet,
  verifier: Hex,
): Promise<number | undefined> {
  const at = await atNode(rpcUrl, () => contract.read.verifierWithdrawnAt([verifier]));
  return at === 0 ? undefined : at;
}
