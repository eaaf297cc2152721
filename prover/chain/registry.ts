/** The adapter registry as the command line uses it: anchor a record, read an anchor, find an adapter's anchors. */
import { BaseError, ContractFunctionRevertedError, type Address, type Hash, type Hex } from 'viem';

import { adapterRecordId, ATTESTATION_DOMAIN, type RunAttestation } from '../../protocol/attestation.ts';
import { REGISTRY_ABI } from './abi.ts';
import { connect, walletOf, type ChainOptions, type Connection, type Sender } from './connection.ts';
import { AnchorRefusedError, LowFundsError, NoRegistryError } from './errors.ts';

/** The contract's `Status.Anchored`. */
const ANCHORED = 1;

/** A registry on a chain. */
export interface RegistryOptions extends ChainOptions {
  readonly registry: Address;
}

/** What identifies a record: an attestation without its time, or with it. */
export type AdapterRecord = Omit<RunAttestation, 'issuedAt'>;

/** An anchor as the registry's storage has it. */
export interface AnchorState {
  /** The record's id, 32 bytes. */
  readonly id: Hex;
  readonly chainId: number;
  readonly registry: Address;
  /** Undefined where the record is not anchored. */
  readonly anchor: Anchor | undefined;
}

/** Who attested and when; times in seconds since 1970. */
export interface Anchor {
  readonly attester: Address;
  readonly issuedAt: bigint;
  readonly anchoredAt: bigint;
}

/** A mined anchoring transaction. */
export interface AnchorReceipt {
  readonly id: Hex;
  readonly chainId: number;
  readonly registry: Address;
  readonly hash: Hash;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
}

/** An anchoring found in the chain's log. */
export interface AnchorEvent {
  readonly id: Hex;
  /** The record and the time of its attestation. */
  readonly run: RunAttestation;
  readonly attester: Address;
  readonly hash: Hash;
  readonly blockNumber: bigint;
}

async function requireRegistry({ client, chainId }: Connection, address: Address): Promise<void> {
  const code = await client.getCode({ address });
  if (code === undefined) throw new NoRegistryError(address, chainId, 'nothing');
  const name = await client
    .readContract({ address, abi: REGISTRY_ABI, functionName: 'eip712Domain' })
    .then((domain) => domain[1])
    .catch((cause: unknown) => {
      if (cause instanceof BaseError && cause.name === 'ContractFunctionExecutionError') return undefined;
      throw cause;
    });
  if (name !== ATTESTATION_DOMAIN.name) throw new NoRegistryError(address, chainId, 'another contract');
}

/** Turns a revert into `AnchorRefusedError`; other errors stay as they are. */
function refusal(error: unknown, hash?: Hash): unknown {
  if (!(error instanceof BaseError)) return error;
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!(revert instanceof ContractFunctionRevertedError)) return error;
  const { errorName, args } = revert.data ?? {};
  const details = { ...(errorName && { errorName }), ...(args && { args }), ...(hash && { hash }) };
  return new AnchorRefusedError(details, { cause: error });
}

/** The contract's record of a run: the attestation's fields without the time. */
function recordOf(run: AdapterRecord): AdapterRecord {
  const { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier } = run;
  return { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier };
}

/**
 * Anchors an attested run and waits until the transaction is mined.
 * @param options.record the attested run, with the attestation's time
 * @param options.attester whose signature it is
 * @param options.signature 65 bytes over `runAttestationDigest(record)`
 * @param options.sender the record's owner
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError, LowFundsError; AnchorRefusedError where the contract
 *   reverts, in most cases before anything is sent
 */
export async function anchorAdapter(
  options: RegistryOptions & {
    readonly sender: Sender;
    readonly record: RunAttestation;
    readonly attester: Address;
    readonly signature: Hex;
  },
): Promise<AnchorReceipt> {
  const { rpcUrl, registry, record, attester, signature } = options;
  const connection = await connect(options);
  await requireRegistry(connection, registry);
  const { client, chainId } = connection;
  const wallet = walletOf(rpcUrl, options.sender);
  const call = {
    address: registry,
    abi: REGISTRY_ABI,
    functionName: 'anchor',
    args: [recordOf(record), { attester, issuedAt: record.issuedAt, signature }],
  } as const;
  const sender = wallet.account.address;
  // Without a fee, so that a refusal is told apart from an empty account.
  await client.simulateContract({ ...call, account: sender }).catch((error: unknown) => {
    throw refusal(error);
  });
  const gas = await client.estimateContractGas({ ...call, account: sender });
  const { maxFeePerGas } = await client.estimateFeesPerGas();
  const balance = await client.getBalance({ address: sender });
  if (balance < gas * maxFeePerGas) throw new LowFundsError(sender, balance, gas * maxFeePerGas);

  const sent = await wallet.writeContract({ ...call, account: wallet.account, chain: null, gas });
  // A receipt of another hash: the sender replaced the transaction, for instance by one with a higher fee.
  const receipt = await client.waitForTransactionReceipt({ hash: sent });
  const { transactionHash: hash, blockNumber, gasUsed } = receipt;
  if (receipt.status === 'reverted') {
    // The same call on the state of that block says why, unless another transaction was in between.
    const again = client.simulateContract({ ...call, account: sender, blockNumber });
    const error = await again.then(
      () => undefined,
      (cause: unknown) => refusal(cause, hash),
    );
    throw error instanceof AnchorRefusedError ? error : new AnchorRefusedError({ hash }, { cause: error });
  }
  return { id: adapterRecordId(record), chainId, registry, hash, blockNumber, gasUsed };
}

/**
 * Reads what the registry has under a record.
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError
 */
export async function readAnchor(options: RegistryOptions & { readonly record: AdapterRecord }): Promise<AnchorState> {
  const { registry, record } = options;
  const connection = await connect(options);
  await requireRegistry(connection, registry);
  const { client, chainId } = connection;
  const id = adapterRecordId(record);
  const kept = await client.readContract({
    address: registry,
    abi: REGISTRY_ABI,
    functionName: 'anchorOf',
    args: [id],
  });
  const { attester, issuedAt, anchoredAt, status } = kept;
  const anchor = { attester, issuedAt: BigInt(issuedAt), anchoredAt: BigInt(anchoredAt) };
  return { id, chainId, registry, anchor: status === ANCHORED ? anchor : undefined };
}

/**
 * Finds every anchoring of an adapter root in the chain's log, oldest first: of all owners, or of one.
 * @param options.fromBlock where to begin; nodes of public chains limit the range
 * @throws ChainUnreachableError, WrongChainError, NoRegistryError
 */
export async function findAnchors(
  options: RegistryOptions & {
    readonly adapterRoot: Hex;
    readonly owner?: Address | undefined;
    readonly fromBlock?: bigint | undefined;
  },
): Promise<AnchorEvent[]> {
  const { registry, adapterRoot, owner, fromBlock = 0n } = options;
  const connection = await connect(options);
  await requireRegistry(connection, registry);
  const events = await connection.client.getContractEvents({
    address: registry,
    abi: REGISTRY_ABI,
    eventName: 'AdapterAnchored',
    args: owner === undefined ? { adapterRoot } : { adapterRoot, owner },
    fromBlock,
    strict: true,
  });
  return events.map(({ args, transactionHash: hash, blockNumber }) => {
    const { id, attester, ...run } = args;
    return { id, run, attester, hash, blockNumber };
  });
}
