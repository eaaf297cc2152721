/** Reading an `AdapterDirectory`: the fields of anchored records, for readers that know an id alone. */
import { BaseError, getContract, type Address, type GetContractReturnType, type Hex } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { ADAPTER_DIRECTORY_ABI } from './adapter-directory-abi.ts';
import { atNode, connect, isUnreachable, type ChainOptions, type Connection } from './connection.ts';
import { ForeignRecordError, NoDirectoryError } from './errors.ts';
import { recordOf, type AdapterRecord } from './records.ts';

/** A directory that was found. */
export interface AdapterDirectory extends Connection {
  readonly directory: Address;
  /** The registry whose records are published there; whether it is one, and whether to ask it, is the reader's to say. */
  readonly registry: Address;
  /** Every view of the contract, typed; those of fields revert for an id that is not published. */
  readonly contract: GetContractReturnType<typeof ADAPTER_DIRECTORY_ABI, Connection['client'], Address>;
}

/**
 * Finds a directory.
 * @throws ChainUnreachableError, WrongChainError; NoDirectoryError where nothing or another contract is at the address
 */
export async function openAdapterDirectory(
  options: ChainOptions & { readonly directory: Address },
): Promise<AdapterDirectory> {
  const connection = await connect(options);
  const { directory } = options;
  const contract = getContract({ address: directory, abi: ADAPTER_DIRECTORY_ABI, client: connection.client });
  const registry = await atNode(connection.rpcUrl, () =>
    contract.read.registry().catch((cause: unknown) => {
      if (isUnreachable(cause)) throw cause;
      if (cause instanceof BaseError && cause.name === 'ContractFunctionExecutionError') return undefined;
      throw cause;
    }),
  );
  if (registry === undefined) throw new NoDirectoryError(directory, connection.chainId);
  return { ...connection, directory, registry, contract };
}

/**
 * The record with an id; undefined where none is published. It says nothing of trust or of what became of the record:
 * ask the registry.
 * @param id 32 bytes
 * @throws ForeignRecordError where what is there has another id; ChainUnreachableError, NodeRefusedError
 */
export async function publishedRecord(
  { contract, directory, rpcUrl }: AdapterDirectory,
  id: Hex,
): Promise<AdapterRecord | undefined> {
  const record = await atNode(rpcUrl, async () => {
    if (!(await contract.read.isPublished([id]))) return undefined;
    return recordOf(await contract.read.recordOf([id]));
  });
  // The id binds every field, so that neither node nor contract needs to be trusted for them.
  if (record === undefined || adapterRecordId(record) === id.toLowerCase()) return record;
  throw new ForeignRecordError(directory, id);
}
