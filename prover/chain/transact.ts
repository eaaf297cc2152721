/**
 * One thing meant, one transaction mined. Whatever happens to this process, the same command goes on where it stopped:
 * what was signed is kept before it leaves the machine, and what is kept is asked for before anything new is signed.
 */
import type { Address, Hash, Hex, TransactionReceipt } from 'viem';

import { addressOf, broadcast, raisedFees, signAttempt } from './broadcast.ts';
import { meaningOf, type RegistryCall } from './calls.ts';
import { atNode, type Sender } from './connection.ts';
import {
  archiveJournal,
  beginJournal,
  readJournal,
  updateJournal,
  type Attempt,
  type Decided,
  type Entry,
  type Journal,
} from './journal.ts';
import { prepare, rehearse, requireFee, requireFunds, revertReason } from './prepare.ts';
import type { Registry } from './registry.ts';
import { readSigned } from './signed.ts';
import {
  AlreadySentError,
  BroadcastError,
  NoSenderError,
  ReplacedError,
  RevertedBeforeError,
  SignedTransactionError,
} from './transaction-errors.ts';
import { awaitOutcome, type Patience } from './wait.ts';

/** Who sends: a key, an account of the node, or somebody who signed already. */
export type Signer = Sender | { readonly signed: Hex };

/** How to send. */
export interface SendOptions {
  /** Asked only where something is to be signed. @throws NoSenderError */
  readonly signer: () => Signer;
  /** Where to keep what is sent; null: nowhere, so that nothing is found after a crash. */
  readonly journal: Journal | null;
  readonly patience: Patience;
  /** Wei for each unit of gas, at most; `MOST_FEE` where absent. */
  readonly mostFee?: bigint | undefined;
  /** Send anew what was replaced, cancelled or reverted before. */
  readonly again?: boolean;
  /** Raise the fee of what is pending. */
  readonly bump?: boolean;
  readonly tell?: (line: string) => void;
}

/** A mined transaction. */
export interface Sent {
  readonly chainId: number;
  readonly registry: Address;
  readonly data: Hex;
  readonly sender: Address;
  readonly hash: Hash;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
  /** It was sent by an earlier command. */
  readonly resumed: boolean;
  /** The sender's wallet sent the same call again, for instance with a higher fee, and that one was mined. */
  readonly repriced: boolean;
}

/**
 * Sends a call and waits until it is mined; or goes on with the transaction that was sent for it before.
 * @param make the call; asked only where nothing is under way
 * @throws RegistryRefusedError, LowFundsError, HighFeeError, NoSenderError, BroadcastError, StillPendingError, ReplacedError,
 *   RevertedBeforeError, AlreadySentError, SignedTransactionError, ChainFileError, ChainUnreachableError, NodeRefusedError
 */
export async function transact(
  registry: Registry,
  make: () => Promise<RegistryCall>,
  options: SendOptions,
): Promise<Sent> {
  const { journal, again = false } = options;
  const kept = journal === null ? undefined : await readJournal(journal);
  if (journal !== null && kept !== undefined) {
    if (kept.outcome === null) return resume(registry, kept, options);
    if (!again) requireNew(kept, kept.outcome);
  }
  const call = await make();
  const entry = await newEntry(registry, call, options);
  if (journal !== null) {
    if (kept !== undefined) await archiveJournal(journal, kept);
    if (!(await beginJournal(journal, entry)))
      throw new AlreadySentError(journal.file, 'another process has just sent a transaction for the same');
  }
  const sent = await send(registry, entry, options);
  return follow(registry, sent, options, false);
}

/** What was mined before says nothing of today: the registry is asked again, which refuses what is done already. */
function requireNew({ nonce, attempts }: Entry, { kind, hash }: Decided): void {
  if (kind === 'reverted') throw new RevertedBeforeError(hash!);
  if (kind !== 'mined') throw new ReplacedError(kind, attempts.at(-1)?.hash ?? undefined, nonce, hash);
}

/** Checks that the call will be taken, and signs it. */
async function newEntry(registry: Registry, call: RegistryCall, { signer, mostFee }: SendOptions): Promise<Entry> {
  const by = signer();
  const { data } = call;
  const meaning = meaningOf(data)!;
  const names = meaning.runIds.length > 0 ? meaning.runIds : meaning.ids;
  const about = {
    action: meaning.action,
    subject: names.length > 0 ? names.join('-') : (call.sender ?? '').toLowerCase(),
    chainId: registry.chainId,
    registry: registry.registry,
    data,
    outcome: null,
  };
  if ('signed' in by) {
    const { attempt, ...signed } = await signedElsewhere(registry, call, by.signed);
    return { ...about, ...signed, attempts: [attempt] };
  }
  const sender = addressOf(by);
  await rehearse(registry, data, sender);
  const { maxFeePerGas, maxPriorityFeePerGas, ...needs } = await prepare(registry, call, sender, mostFee);
  const unsigned = { ...about, ...needs, sender };
  return { ...unsigned, attempts: [await signAttempt(by, unsigned, { maxFeePerGas, maxPriorityFeePerGas })] };
}

/** A transaction signed elsewhere, if it is the meant one and can be mined. */
async function signedElsewhere(registry: Registry, call: RegistryCall, raw: Hex) {
  const { sender, nonce, gas, hash, maxFeePerGas } = await readSigned(raw, call, registry.chainId);
  const { client, rpcUrl } = registry;
  const [used, block] = await atNode(rpcUrl, () =>
    Promise.all([client.getTransactionCount({ address: sender }), client.getBlockNumber({ cacheTime: 0 })]),
  );
  const attempt: Attempt = { hash, raw, maxFeePerGas, maxPriorityFeePerGas: 0n };
  const signed = { sender, nonce, gas, block, attempt };
  // A used nonce may be this very transaction's: whoever waits for it will see.
  if (nonce < used) return signed;
  await rehearse(registry, call.data, sender);
  const today = await atNode(rpcUrl, () => client.getTransactionCount({ address: sender, blockTag: 'pending' }));
  if (nonce > today)
    throw new SignedTransactionError('nonce', `its nonce is ${nonce}, but the account's next is ${today}`);
  const needed = await atNode(rpcUrl, () =>
    client.estimateGas({ account: sender, to: call.registry, data: call.data }),
  );
  if (gas < needed) throw new SignedTransactionError('gas', `its gas is ${gas}, but the call needs ${needed}`);
  await requireFunds(registry, sender, gas * maxFeePerGas);
  return signed;
}

/** Hands the latest version to the node, and keeps the hash that a node gives it. */
async function send(registry: Registry, entry: Entry, { journal, tell }: SendOptions): Promise<Entry> {
  const last = entry.attempts.at(-1)!;
  const hash = await broadcast(registry, entry.sender, entry, last);
  tell?.(`sent ${hash ?? 'by the node'}, nonce ${entry.nonce} of ${entry.sender}`);
  if (last.hash !== null || hash === null) return entry;
  const known = { ...entry, attempts: [...entry.attempts.slice(0, -1), { ...last, hash }] };
  if (journal !== null) await updateJournal(journal, known);
  return known;
}

/** Goes on with what was sent before. */
async function resume(registry: Registry, kept: Entry, options: SendOptions): Promise<Sent> {
  const { tell, bump = false } = options;
  tell?.(`going on with transaction ${kept.attempts.at(-1)?.hash ?? 'of the node'}, sent before`);
  const signed = await joinSigned(kept, options);
  const joined = signed === kept ? kept : await send(registry, signed, options);
  return follow(registry, bump ? await raise(registry, joined, options) : joined, options, true);
}

/** Takes a version signed elsewhere into what is under way, if it has the same nonce. @returns `kept` where there is none */
async function joinSigned(kept: Entry, { signer, journal }: SendOptions): Promise<Entry> {
  let by: Signer;
  try {
    by = signer();
  } catch (error) {
    // To go on, no key is needed.
    if (error instanceof NoSenderError) return kept;
    throw error;
  }
  if (!('signed' in by) || journal === null) return kept;
  const { hash, raw, nonce, maxFeePerGas } = await readSigned(
    by.signed,
    { ...kept, sender: kept.sender },
    kept.chainId,
  );
  if (kept.attempts.some((attempt) => attempt.hash === hash)) return kept;
  if (nonce !== kept.nonce)
    throw new AlreadySentError(
      journal.file,
      `a transaction with nonce ${kept.nonce} is under way for this; yours has nonce ${nonce}`,
    );
  const joined = { ...kept, attempts: [...kept.attempts, { hash, raw, maxFeePerGas, maxPriorityFeePerGas: 0n }] };
  await updateJournal(journal, joined);
  return joined;
}

/** Signs the same transaction with a higher fee, unless the chain has decided. */
async function raise(registry: Registry, kept: Entry, options: SendOptions): Promise<Entry> {
  const { signer, journal, mostFee, tell } = options;
  const { client, rpcUrl } = registry;
  const used = await atNode(rpcUrl, () => client.getTransactionCount({ address: kept.sender }));
  if (used > kept.nonce) return kept;
  const by = signer();
  if ('signed' in by) return kept;
  if (addressOf(by).toLowerCase() !== kept.sender.toLowerCase())
    throw new NoSenderError(`${addressOf(by)} can't raise the fee of a transaction of ${kept.sender}`);
  const today = await atNode(rpcUrl, () => client.estimateFeesPerGas());
  const fees = raisedFees(kept.attempts.at(-1)!, today);
  requireFee(registry, fees, mostFee);
  await requireFunds(registry, kept.sender, kept.gas * fees.maxFeePerGas);
  const raised = { ...kept, attempts: [...kept.attempts, await signAttempt(by, kept, fees)] };
  if (journal !== null) await updateJournal(journal, raised);
  tell?.(`raising the fee to ${fees.maxFeePerGas} wei for each unit of gas`);
  return send(registry, raised, options);
}

/** Hands a version that the node has lost to it again. @returns what happened, for a person */
async function sendAgain(registry: Registry, entry: Entry): Promise<string> {
  try {
    await broadcast(registry, entry.sender, entry, entry.attempts.at(-1)!);
    return 'the node did not have it: sent the same transaction again';
  } catch (error) {
    if (!(error instanceof BroadcastError) || !error.outbid) throw error;
    return `another transaction of ${entry.sender} with nonce ${entry.nonce} and a higher fee is under way`;
  }
}

/** Waits until the chain has decided, and keeps how. */
async function follow(registry: Registry, entry: Entry, options: SendOptions, resumed: boolean): Promise<Sent> {
  const { journal, patience, tell } = options;
  let told = '';
  const resend = async () => {
    const line = await sendAgain(registry, entry);
    if (line !== told) tell?.(line);
    told = line;
  };
  const outcome = await awaitOutcome(registry, entry, patience, { kept: journal !== null, resend, tell });
  const decide = async (kind: Decided['kind'], hash: Hash | null) => {
    if (journal !== null) await updateJournal(journal, { ...entry, outcome: { kind, hash } });
  };
  if (outcome.kind !== 'mined') {
    await decide(outcome.kind, outcome.by);
    throw new ReplacedError(outcome.kind, entry.attempts.at(-1)?.hash ?? undefined, entry.nonce, outcome.by);
  }
  const { receipt, repriced } = outcome;
  await decide(receipt.status === 'reverted' ? 'reverted' : 'mined', receipt.transactionHash);
  if (receipt.status === 'reverted') throw await reasonOf(registry, entry, receipt);
  const { transactionHash: hash, blockNumber, gasUsed } = receipt;
  const { chainId, data, sender } = entry;
  return { chainId, registry: registry.registry, data, sender, hash, blockNumber, gasUsed, resumed, repriced };
}

function reasonOf(registry: Registry, { data, sender }: Entry, receipt: TransactionReceipt) {
  const { blockNumber, transactionHash: hash } = receipt;
  return revertReason(registry, data, sender, { blockNumber, hash });
}
