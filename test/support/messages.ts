/** The messages of a proof's bytes: where each lies, and the errors that a proof may be refused with. */
import type { LogEntry } from '../../protocol/channel.ts';
import { DecodeError, MerkleError, ProtocolError, VerificationError } from '../../protocol/errors.ts';

/** A message of a proof: `bytes.subarray(at, at + length)`. */
export interface Message extends LogEntry {
  readonly at: number;
}

/** Messages with bytes, in order. */
export function messages(log: readonly LogEntry[]): Message[] {
  let at = 0;
  return log.flatMap((entry): Message[] => {
    const message = { ...entry, at };
    at += entry.length;
    return entry.length > 0 ? [message] : [];
  });
}

/** Messages by 'kind label'. */
export function byLabel(log: readonly LogEntry[]): Map<string, Message[]> {
  const out = new Map<string, Message[]>();
  for (const m of messages(log)) {
    const key = `${m.kind} ${m.label}`;
    out.set(key, [...(out.get(key) ?? []), m]);
  }
  return out;
}

/** First, middle and last of a list, each once. */
export function ends<T>(list: readonly T[]): T[] {
  return [...new Set([0, list.length >> 1, list.length - 1])].map((i) => list[i]);
}

/**
 * The code that an action was refused with; 'accepted' where it was not.
 * @throws whatever is no error of the protocol
 */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof DecodeError || error instanceof VerificationError || error instanceof MerkleError)
      return (error as ProtocolError).code;
    throw error;
  }
  return 'accepted';
}

/** A copy with one bit flipped. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const out = bytes.slice();
  out[at] ^= 1 << bit;
  return out;
}
