import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Address, Hash, Hex } from 'viem';

import { REGISTRY_ABI } from './abi.ts';
import { connect, walletOf, type ChainOptions, type Sender } from './connection.ts';
import { HardhatError, LowFundsError } from './errors.ts';
import { projectRoot, startHardhat } from './hardhat.ts';

/** A registry just deployed. */
export interface DeployedRegistry {
  readonly registry: Address;
  readonly chainId: number;
  readonly hash: Hash;
  readonly blockNumber: bigint;
}

/** Builds the contracts, or finds them built, and returns the registry's creation code. Throws `HardhatError`. */
async function creationCode(): Promise<Hex> {
  const build = startHardhat(['build', '--no-tests', '--quiet']);
  if ((await build.ended) !== 0) throw new HardhatError("the contracts couldn't be built", build.output());
  const path = join(projectRoot, 'artifacts/contracts/AdapterRegistry.sol/AdapterRegistry.json');
  return (JSON.parse(await readFile(path, 'utf8')) as { bytecode: Hex }).bytecode;
}

/**
 * Deploys a registry from the sources in `contracts/`, for a local chain; `ignition/` is the way to public ones.
 * @throws ChainUnreachableError, WrongChainError, LowFundsError, HardhatError
 */
export async function deployRegistry(options: ChainOptions & { readonly sender: Sender }): Promise<DeployedRegistry> {
  const { client, chainId } = await connect(options);
  const wallet = walletOf(options.rpcUrl, options.sender);
  const account = wallet.account.address;
  const bytecode = await creationCode();
  const gas = await client.estimateGas({ account, data: bytecode });
  const { maxFeePerGas } = await client.estimateFeesPerGas();
  const balance = await client.getBalance({ address: account });
  if (balance < gas * maxFeePerGas) throw new LowFundsError(account, balance, gas * maxFeePerGas);

  const sent = await wallet.deployContract({ abi: REGISTRY_ABI, bytecode, account: wallet.account, chain: null, gas });
  const receipt = await client.waitForTransactionReceipt({ hash: sent });
  if (receipt.status === 'reverted' || typeof receipt.contractAddress !== 'string') {
    throw new HardhatError(`the deployment reverted in transaction ${receipt.transactionHash}`, '');
  }
  const { contractAddress: registry, transactionHash: hash, blockNumber } = receipt;
  return { registry, chainId, hash, blockNumber };
}
