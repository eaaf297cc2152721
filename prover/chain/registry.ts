/** Reading an adapter registry: what it keeps of a record, what became of it, and where its log tells of it. */
import { BaseError, getContract, type Address, type GetContractReturnType, type Hash, type Hex } from 'viem';

import { adapterRecordId, ATTESTATION_DOMAIN, type RunAttestation } from '../../protocol/attestation.ts';
import { REGISTRY_ABI } from './abi.ts';
import { linked } from './calls.ts';
import { atNode, connect, isUnreachable, type ChainOptions, type Connection } from './connection.ts';
import { NoRegistryError, RequestError } from './errors.ts';
import type { AdapterRecord } from './records.ts';

export type { AdapterRecord } from './records.ts';

/** A registry on a chain. */
export interface RegistryOptions extends ChainOptions {
  readonly registry: Address;
}

/** A registry that was found. */
export interface Registry extends Connection {
  readonly registry: Address;
  /** Every view of the contract, typed: `contract.read.isAttested([id, attesters, 2n])`. */
  readonly contract: GetContractReturnType<typeof REGISTRY_ABI, Connection['client'], Address>;
}

/** Who attested and when; times in seconds since 1970. */
export interface Anchor {
  readonly attester: Address;
  readonly issuedAt: bigint;
  readonly anchoredAt: bigint;
}

/** What became of a record; times in seconds since 1970. */
export type RecordStatus =
  | { readonly status: 'unknown'; readonly anchor: undefined }
  | { readonly status: 'anchored'; readonly anchor: Anchor; /** Which record it supersedes. */ readonly parent?: Hex }
  | {
      readonly status: 'superseded' | 'revoked';
      readonly anchor: undefined;
      /** The anchor that it was; undefined where it was never anchored by itself, for instance in a batch. */
      readonly was: Anchor | undefined;
      /** When it was first superseded or revoked. */
      readonly endedAt: bigint;
      /** Which record supersedes it; always there in the status `superseded`. */
      readonly successor: Hex | undefined;
    };

/** A record in a registry. `anchor` is there while it is anchored, neither superseded nor revoked. */
export type AnchorState = RecordStatus & {
  /** The record's id, 32 bytes. */
  readonly id: Hex;
  readonly chainId: number;
  readonly registry: Address;
};

/** An anchoring found in the chain's log. */
export interface AnchorEvent {
  readonly id: Hex;
  /** The record and the time of its attestation. */
  readonly run: RunAttestation;
  readonly attester: Address;
  readonly hash: Hash;
  readonly blockNumber: bigint;
}

/** The contract's `Status`. */
const STATUSES = ['unknown', 'anchored', 'superseded', 'revoked'] as const;

/**
 * Finds a registry.
 * @throws ChainUnreachableError, WrongChainError; NoRegistryError where nothing or another contract is at the address
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const connection = await connect(options);
  const { client, chainId, rpcUrl } = connection;
  const { registry: address } = options;
  const contract = getContract({ address, abi: REGISTRY_ABI, client });
  await atNode(rpcUrl, async () => {
    if ((await client.getCode({ address })) === undefined) throw new NoRegistryError(address, chainId, 'nothing');
    const name = await contract.read
      .eip712Domain()
      .then((domain) => domain[1])
      .catch((cause: unknown) => {
        if (isUnreachable(cause)) throw cause;
        if (cause instanceof BaseError && cause.name === 'ContractFunctionExecutionError') return undefined;
        throw cause;
      });
    if (name !== ATTESTATION_DOMAIN.name) throw new NoRegistryError(address, chainId, 'another contract');
  });
  return { ...connection, registry: address, contract };
}

/** What became of a record by its id. @throws ChainUnreachableError, NodeRefusedError */
export async function readStatus({ rpcUrl, contract }: Registry, id: Hex): Promise<RecordStatus> {
  return atNode(rpcUrl, async () => {
    const { attester, issuedAt, anchoredAt, status } = await contract.read.anchorOf([id]);
    const kept = { attester, issuedAt: BigInt(issuedAt), anchoredAt: BigInt(anchoredAt) };
    const name = STATUSES[status];
    if (name === 'unknown') return { status: name, anchor: undefined };
    if (name === 'anchored') {
      const parent = linked(await contract.read.parentOf([id]));
      return { status: name, anchor: kept, ...(parent && { parent }) };
    }
    // Read after the status: an end is never undone, and neither its time nor its link is changed.
    const [ended, successor] = await Promise.all([contract.read.endedAt([id]), contract.read.successorOf([id])]);
    const was = anchoredAt === 0 ? undefined : kept;
    return { status: name, anchor: undefined, was, endedAt: BigInt(ended), successor: linked(successor) };
  });
}

/**
 * Reads what the registry has under a record.
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError
 */
export async function readAnchor(options: RegistryOptions & { readonly record: AdapterRecord }): Promise<AnchorState> {
  const found = await openRegistry(options);
  const id = adapterRecordId(options.record);
  return { id, chainId: found.chainId, registry: found.registry, ...(await readStatus(found, id)) };
}

/** What the log is asked for. */
export interface AnchorQuery {
  readonly adapterRoot?: Hex | undefined;
  readonly owner?: Address | undefined;
  readonly id?: Hex | undefined;
  /** Where to begin; nodes of public chains limit the range. */
  readonly fromBlock?: bigint | undefined;
}

/** Finds anchorings in the log of an open registry, oldest first. @throws ChainUnreachableError, NodeRefusedError */
export async function anchorEvents(found: Registry, query: AnchorQuery): Promise<AnchorEvent[]> {
  const { fromBlock = 0n, ...asked } = query;
  const args = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const events = await atNode(found.rpcUrl, () =>
    found.client.getContractEvents({
      address: found.registry,
      abi: REGISTRY_ABI,
      eventName: 'AdapterAnchored',
      args,
      fromBlock,
      strict: true,
    }),
  );
  return events.map(({ args: { id, attester, ...run }, transactionHash: hash, blockNumber }) => {
    return { id, run, attester, hash, blockNumber };
  });
}

/**
 * Finds every anchoring of an adapter root in the chain's log, oldest first: of all owners, or of one.
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError, NodeRefusedError
 */
export async function findAnchors(
  options: RegistryOptions & Omit<AnchorQuery, 'adapterRoot'> & { readonly adapterRoot: Hex },
): Promise<AnchorEvent[]> {
  const { adapterRoot, owner, fromBlock } = options;
  return anchorEvents(await openRegistry(options), { adapterRoot, owner, fromBlock });
}

/** A transaction in the log. */
export interface LoggedAt {
  readonly hash: Hash;
  readonly blockNumber: bigint;
}

/** Where the log tells that a record was superseded or revoked, the last one where both. @throws as `anchorEvents` */
export async function endEvent(found: Registry, id: Hex, fromBlock = 0n): Promise<LoggedAt | undefined> {
  const { client, registry: address, rpcUrl } = found;
  const query = { address, abi: REGISTRY_ABI, args: { id }, fromBlock, strict: true } as const;
  const events = await atNode(rpcUrl, async () => [
    ...(await client.getContractEvents({ ...query, eventName: 'AdapterSuperseded' })),
    ...(await client.getContractEvents({ ...query, eventName: 'AdapterRevoked' })),
  ]);
  const last = events.at(-1);
  return last && { hash: last.transactionHash, blockNumber: last.blockNumber };
}

/** Where the log tells of a batch. @throws as `anchorEvents` */
export async function batchEvent(
  { client, registry: address, rpcUrl }: Registry,
  owner: Address,
  root: Hex,
  fromBlock = 0n,
): Promise<LoggedAt | undefined> {
  const query = { address, abi: REGISTRY_ABI, eventName: 'BatchAnchored', args: { owner, root }, fromBlock } as const;
  const [event] = await atNode(rpcUrl, () => client.getContractEvents({ ...query, strict: true }));
  return event && { hash: event.transactionHash, blockNumber: event.blockNumber };
}

/**
 * Whether enough of the attesters a reader trusts attested a record that is anchored.
 * @param attesters in any order; one that is there twice counts once
 * @param threshold how many of them, at least 1
 * @throws RequestError for a threshold that nobody's word would meet; ChainUnreachableError, NodeRefusedError
 */
export async function isAttested(
  { contract, rpcUrl }: Registry,
  id: Hex,
  attesters: readonly Address[],
  threshold: number,
): Promise<boolean> {
  const rising = [...new Set(attesters.map((address) => address.toLowerCase() as Address))].sort();
  return atNode(rpcUrl, () => contract.read.isAttested([id, rising, thresholdOf(threshold)]));
}

/** @throws RequestError */
export function thresholdOf(threshold: number): bigint {
  if (Number.isSafeInteger(threshold) && threshold >= 1) return BigInt(threshold);
  throw new RequestError(`a threshold of ${threshold} is none`, 'Ask for at least one attester.');
}
