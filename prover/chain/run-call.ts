/** What every command of the chain does with its call: write it, or send it, and tell. */
import { parseGwei, type Address } from 'viem';

import { meaningOf, type Action, type RegistryCall } from './calls.ts';
import type { ChainRequest } from './command-options.ts';
import { RequestError } from './errors.ts';
import { journalIn } from './journal.ts';
import { explorerLink } from './networks.ts';
import { openRegistry, type Registry, type RegistryOptions } from './registry.ts';
import { addressGiven, signerGiven } from './requests.ts';
import { transact, type Sent } from './transact.ts';
import { writeUnsigned } from './unsigned.ts';

/** What a command is about. */
export interface CallSubject {
  readonly action: Action;
  /** Run ids, a batch's root or an owner, see `Subject` of the journal. */
  readonly about: string;
  /** Where what is sent is kept. */
  readonly folder: string;
}

const DONE: Readonly<Record<Action, string>> = {
  anchor: 'anchored',
  anchorFor: 'anchored for its owner',
  attest: 'further attestation recorded',
  revoke: 'revoked',
  supersede: 'superseded',
  anchorBatch: 'batch anchored',
  cancelConsents: 'consents cancelled',
};

const NAMES: Readonly<Partial<Record<Action, readonly string[]>>> = {
  supersede: ['older record', 'newer record'],
  anchorBatch: ['root'],
};

/** Progress is no result: it goes to stderr. */
export const tell = (line: string): void => void process.stderr.write(`${line}\n`);

function requireOneWay({ unsigned, signed, account, bump, again }: ChainRequest): void {
  const both = (one: string, other: string): never => {
    throw new RequestError(`${one} and ${other} contradict each other`, 'Give one of them.');
  };
  if (unsigned !== undefined && signed !== undefined) both('--unsigned', '--signed');
  if (account !== undefined && signed !== undefined) both('--account', '--signed');
  if (bump === true && again === true) both('--bump', '--again');
  if (unsigned !== undefined && (bump === true || again === true)) both('--unsigned', bump ? '--bump' : '--again');
}

/**
 * Writes or sends a call and prints the result.
 * @param make the call, asked where nothing is under way for it
 * @throws the errors of `transact` and `writeUnsigned`
 */
export async function runCall(
  request: ChainRequest,
  at: RegistryOptions,
  subject: CallSubject,
  make: (registry: Registry) => Promise<RegistryCall>,
): Promise<void> {
  requireOneWay(request);
  const { unsigned, fees = false, from, timeout, confirmations, again = false, bump = false, maxFee, json } = request;
  const registry = await openRegistry(at);
  if (unsigned !== undefined) {
    const by = { from: from === undefined ? undefined : addressGiven(from), fees };
    const written = await writeUnsigned(unsigned, registry, await make(registry), by);
    const text = `${written.summary.join('\n')}\nwritten to ${unsigned}; nothing is sent\n`;
    process.stdout.write(json ? `${JSON.stringify(written)}\n` : text);
    return;
  }
  const { action, about, folder } = subject;
  const { chainId, registry: address } = registry;
  const journal = journalIn(folder, { action, about: about.toLowerCase(), chainId, registry: address });
  const patience = { timeout, confirmations };
  const signer = await signerGiven(request);
  const mostFee = maxFee === undefined ? undefined : parseGwei(String(maxFee));
  const how = { signer, journal, patience, mostFee, again, bump, tell };
  const sent = await transact(registry, () => make(registry), how);
  await printReceipt(sent, json);
}

/** Prints a receipt, as JSON or in words. */
export async function printReceipt(sent: Sent, json: boolean): Promise<void> {
  const { chainId, registry, data, hash, blockNumber, gasUsed, sender, resumed, repriced } = sent;
  const { action, ids, attester } = meaningOf(data)!;
  const explorer = await explorerLink(chainId, hash);
  if (json) {
    const numbers = { blockNumber: Number(blockNumber), gasUsed: Number(gasUsed) };
    const about = { id: ids[0], ids, ...(attester && { attester }), ...(explorer && { explorer }) };
    const whole = { action, ...about, chainId, registry, hash, sender, ...numbers, resumed, repriced };
    process.stdout.write(`${JSON.stringify(whole)}\n`);
    return;
  }
  const how = repriced ? ' (sent again by the account’s wallet)' : resumed ? ' (sent before)' : '';
  const lines = [
    `${DONE[action]} on chain ${chainId}, registry ${registry}, block ${blockNumber}`,
    ...ids.map((id, i) => `${NAMES[action]?.[i] ?? 'record'} ${id}`),
    `transaction ${hash}, ${gasUsed} gas${how}`,
    ...(explorer === undefined ? [] : [explorer]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The only registry that a file is for, if the options name no other. @throws RequestError */
export function registryOfFile(
  file: string,
  { chainId, registry }: { readonly chainId: number; readonly registry: Address },
  at: RegistryOptions,
): void {
  const here = at.registry.toLowerCase() === registry.toLowerCase();
  if (here && (at.chainId === undefined || at.chainId === chainId)) return;
  throw new RequestError(
    `${file} is for registry ${registry} on chain ${chainId}`,
    `Give --registry ${registry} --chain-id ${chainId}, or the file for the registry that you mean.`,
  );
}
