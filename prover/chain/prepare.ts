/** Before a call is sent: would the registry take it, what does it cost, can the sender pay? */
import {
  BaseError,
  ContractFunctionRevertedError,
  decodeFunctionData,
  parseGwei,
  type Abi,
  type Address,
  type Hash,
  type Hex,
} from 'viem';

import { REGISTRY_ABI } from './abi.ts';
import type { RegistryCall } from './calls.ts';
import { atNode, isUnreachable, nodeReason } from './connection.ts';
import { HighFeeError, LowFundsError, NodeRefusedError, RegistryRefusedError } from './errors.ts';
import type { Registry } from './registry.ts';

/** Wei for each unit of gas: at most, and of it the tip. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** What a transaction needs beside the call. */
export interface Preparation extends Fees {
  readonly gas: bigint;
  /** The sender's next, behind those that are pending. */
  readonly nonce: number;
  /** Latest block. */
  readonly block: bigint;
}

/** The revert behind an error of viem's, or undefined. */
function refusal(error: unknown, hash?: Hash): RegistryRefusedError | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!(revert instanceof ContractFunctionRevertedError)) return undefined;
  const { errorName, args } = revert.data ?? {};
  const details = { ...(errorName && { errorName }), ...(args && { args }), ...(hash && { hash }) };
  return new RegistryRefusedError(details, { cause: error });
}

/**
 * Calls without sending, as the sender would.
 * @param at the block on whose state, and the transaction that was mined in it
 * @throws RegistryRefusedError where the contract reverts; ChainUnreachableError, NodeRefusedError
 */
export async function rehearse(
  { client, registry, rpcUrl }: Registry,
  data: Hex,
  account: Address,
  at?: { readonly blockNumber: bigint; readonly hash: Hash },
): Promise<void> {
  const { functionName, args } = decodeFunctionData({ abi: REGISTRY_ABI, data });
  const block = at === undefined ? {} : { blockNumber: at.blockNumber };
  // Without a fee, so that a refusal is told apart from an empty account.
  const call = { address: registry, abi: REGISTRY_ABI as Abi, functionName, args: args ?? [], account, ...block };
  await atNode(rpcUrl, async () => {
    try {
      await client.simulateContract(call);
    } catch (error) {
      throw refusal(error, at?.hash) ?? error;
    }
  });
}

/** A fifth more than estimated: what a signature's check or a rollup's data costs may change until the block. */
const withMargin = (gas: bigint): bigint => gas + gas / 5n;

/**
 * Estimates gas and fees, and checks that the sender can and would pay.
 * @param mostFee wei for each unit of gas
 * @throws HighFeeError, LowFundsError, ChainUnreachableError, NodeRefusedError
 */
export async function prepare(
  { client, rpcUrl, registry }: Registry,
  { data }: RegistryCall,
  sender: Address,
  mostFee = MOST_FEE,
): Promise<Preparation> {
  return atNode(rpcUrl, async () => {
    const [estimate, fees, nonce, block] = await Promise.all([
      client.estimateGas({ account: sender, to: registry, data }),
      client.estimateFeesPerGas(),
      client.getTransactionCount({ address: sender, blockTag: 'pending' }),
      client.getBlockNumber({ cacheTime: 0 }),
    ]);
    const { maxFeePerGas, maxPriorityFeePerGas } = fees;
    requireFee({ rpcUrl }, fees, mostFee);
    const gas = withMargin(estimate);
    await requireFunds({ client, rpcUrl }, sender, gas * maxFeePerGas);
    return { gas, maxFeePerGas, maxPriorityFeePerGas, nonce, block };
  });
}

/** What each unit of gas may cost where nothing else is said: a node that lies can't make the sender pay anything. */
export const MOST_FEE = parseGwei('1000');

/** @param most wei for each unit of gas. @throws HighFeeError */
export function requireFee({ rpcUrl }: Pick<Registry, 'rpcUrl'>, { maxFeePerGas }: Fees, most = MOST_FEE): void {
  if (maxFeePerGas > most) throw new HighFeeError(rpcUrl, maxFeePerGas, most);
}

/** @param needed wei. @throws LowFundsError, ChainUnreachableError, NodeRefusedError */
export async function requireFunds(
  { client, rpcUrl }: Pick<Registry, 'client' | 'rpcUrl'>,
  sender: Address,
  needed: bigint,
): Promise<void> {
  const balance = await atNode(rpcUrl, () => client.getBalance({ address: sender }));
  if (balance < needed) throw new LowFundsError(sender, balance, needed);
}

/** Why a mined transaction reverted; the state of its block tells, unless another transaction was in between. */
export async function revertReason(
  registry: Registry,
  data: Hex,
  sender: Address,
  at: { readonly blockNumber: bigint; readonly hash: Hash },
): Promise<RegistryRefusedError> {
  try {
    await rehearse(registry, data, sender, at);
  } catch (error) {
    if (error instanceof RegistryRefusedError) return error;
    if (!(error instanceof NodeRefusedError) && !isUnreachable(error)) throw error;
    return new RegistryRefusedError({ hash: at.hash }, { cause: new Error(nodeReason(error)) });
  }
  return new RegistryRefusedError({ hash: at.hash });
}
