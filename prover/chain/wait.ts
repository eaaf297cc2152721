/** Waiting for a transaction that may be mined, replaced, cancelled or forgotten. */
import { setTimeout as sleep } from 'node:timers/promises';

import { atNode, isUnreachable } from './connection.ts';
import type { Entry } from './journal.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import type { Registry } from './registry.ts';
import { BroadcastError, StillPendingError } from './transaction-errors.ts';

/** How long to wait, and for how much. */
export interface Patience {
  /** Seconds. */
  readonly timeout: number;
  /** Blocks, the transaction's own included, after which it counts as mined. */
  readonly confirmations: number;
}

/** For the main network and its like; the same as viem's. */
export const PATIENCE: Patience = { timeout: 180, confirmations: 1 };

type Decision = Exclude<Outcome, { kind: 'pending' | 'unknown' }>;

/** Milliseconds between questions: short at first, for local chains and rollups. */
const SHORTEST = 250;
const LONGEST = 4_000;

/** How often in a row a node must say that an unnamed transaction took the nonce: of several nodes one may lag. */
const TIMES_UNNAMED = 5;

/** What the caller does meanwhile. */
interface Meanwhile {
  /** Whether the transaction is kept in a journal. */
  readonly kept: boolean;
  /** Sends the same bytes again. */
  readonly resend: () => Promise<void>;
  readonly tell?: ((line: string) => void) | undefined;
}

/**
 * Asks the chain until it has decided.
 * @throws StillPendingError; BroadcastError when the node doesn't take it again
 */
export async function awaitOutcome(
  registry: Registry,
  entry: Entry,
  { timeout, confirmations }: Patience,
  { kept, resend, tell }: Meanwhile,
): Promise<Decision> {
  const { sender, nonce, attempts } = entry;
  const end = performance.now() + timeout * 1000;
  const left = () => Math.max(0, end - performance.now());
  let [pause, unnamed, nextNonce] = [SHORTEST, 0, nonce];
  for (;;) {
    const outcome = await ask(registry, entry);
    if (isDecided(outcome)) {
      unnamed += 1;
      if (await isFinal(registry, outcome, confirmations, unnamed)) return outcome;
    } else if (outcome !== undefined) {
      unnamed = 0;
      if (outcome.nextNonce < Math.min(nextNonce, nonce))
        tell?.(`earlier transactions of ${sender} come first, from nonce ${outcome.nextNonce} on`);
      nextNonce = outcome.nextNonce;
      if (outcome.kind === 'unknown') await resend();
    }
    if (left() === 0) {
      const hash = attempts.at(-1)?.hash ?? undefined;
      throw new StillPendingError({ hash, sender, nonce, nextNonce }, timeout, kept);
    }
    await sleep(Math.min(pause, left()));
    pause = Math.min(LONGEST, pause * 1.3);
  }
}

function isDecided(outcome: Outcome | undefined): outcome is Decision {
  return outcome !== undefined && outcome.kind !== 'pending' && outcome.kind !== 'unknown';
}

/** Whether a decision will stay. @param times how often in a row the chain was said to have decided */
async function isFinal(registry: Registry, outcome: Decision, confirmations: number, times: number): Promise<boolean> {
  if (outcome.kind !== 'mined') return outcome.by !== null || times >= TIMES_UNNAMED;
  if (confirmations === 1) return true;
  const { blockNumber } = outcome.receipt;
  const head = await atNode(registry.rpcUrl, () => registry.client.getBlockNumber({ cacheTime: 0 }));
  return head - blockNumber + 1n >= BigInt(confirmations);
}

/** What the chain says, or undefined where no answer came, which may change. */
async function ask({ client, rpcUrl }: Registry, entry: Entry): Promise<Outcome | undefined> {
  const { sender, nonce, registry: to, data, block, attempts } = entry;
  const hashes = attempts.flatMap(({ hash }) => hash ?? []);
  try {
    return await outcomeOf(client, { sender, nonce, to, data, block, hashes });
  } catch (error) {
    if (isUnreachable(error)) return undefined;
    throw new BroadcastError(hashes.at(-1), `${rpcUrl} fails: ${String(error)}`, 'Run the same command again.', {
      cause: error,
    });
  }
}
