/**
 * The two ends of a proof's byte stream. The prover's `ProofWriter` and the verifier's `ProofReader` drive one transcript
 * each and record the same log; a proof is nothing but the logged messages in order.
 *
 * Messages are absorbed before any later challenge; hints (Merkle siblings, opened rows) are not, for they are bound by a
 * root that was. Elements are 8 bytes big-endian per coordinate and must be canonical.
 */
import { P } from './field.ts';
import type { Ext } from './extension.ts';
import { DecodeError, VerificationError } from './errors.ts';
import { Transcript, leadingZeros } from './transcript.ts';

export interface LogEntry {
  readonly kind: 'element' | 'digest' | 'nonce' | 'hint' | 'bytes' | 'challenge';
  readonly label: string;
  /** Bytes in the proof; 0 for a challenge. */
  readonly length: number;
}

export const EXT_BYTES = 16;
export const NONCE_BYTES = 8;

export function extToBytes(value: Ext): Uint8Array {
  const out = new Uint8Array(EXT_BYTES);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, value[0]);
  view.setBigUint64(8, value[1]);
  return out;
}

abstract class Channel {
  readonly log: LogEntry[] = [];
  readonly transcript = new Transcript();

  challenge(label: string): Ext {
    this.log.push({ kind: 'challenge', label, length: 0 });
    return this.transcript.challenge(label);
  }

  challenges(label: string, count: number): Ext[] {
    return Array.from({ length: count }, () => this.challenge(label));
  }

  indices(label: string, count: number, bits: number): number[] {
    this.log.push({ kind: 'challenge', label, length: 0 });
    return this.transcript.indices(label, count, bits);
  }

  /** Binds public bytes that both sides know. */
  bind(label: string, data: Uint8Array): void {
    this.transcript.absorb(label, data);
  }
}

export class ProofWriter extends Channel {
  readonly #parts: Uint8Array[] = [];

  element(label: string, value: Ext): void {
    this.#message('element', label, extToBytes(value));
  }

  elements(label: string, values: readonly Ext[]): void {
    for (const v of values) this.element(label, v);
  }

  digest(label: string, digest: Uint8Array): void {
    this.#message('digest', label, digest);
  }

  /** Public bytes that start the proof (the statement). */
  bytes(label: string, data: Uint8Array): void {
    this.#message('bytes', label, data);
  }

  /** Finds and writes the first nonce with `bits` leading zero bits; zero where none is asked for. */
  grind(label: string, bits: number): void {
    this.#message('nonce', label, bits > 0 ? this.transcript.searchNonce(bits) : new Uint8Array(NONCE_BYTES));
  }

  hint(label: string, data: Uint8Array): void {
    this.#push('hint', label, data);
  }

  words(label: string, words: BigUint64Array | readonly bigint[]): void {
    const out = new Uint8Array(8 * words.length);
    const view = new DataView(out.buffer);
    for (let i = 0; i < words.length; i++) view.setBigUint64(8 * i, words[i]);
    this.hint(label, out);
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of this.#parts) {
      out.set(p, at);
      at += p.length;
    }
    return out;
  }

  #message(kind: LogEntry['kind'], label: string, data: Uint8Array): void {
    this.transcript.absorb(label, data);
    this.#push(kind, label, data);
  }

  #push(kind: LogEntry['kind'], label: string, data: Uint8Array): void {
    this.log.push({ kind, label, length: data.length });
    this.#parts.push(data);
  }
}

export class ProofReader extends Channel {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Told how many bytes have been read, after each message. */
  onRead: ((at: number) => void) | null = null;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  element(label: string): Ext {
    const data = this.#take('element', label, EXT_BYTES);
    this.transcript.absorb(label, data);
    const at = this.#at - EXT_BYTES;
    return [this.#canonical(label, at), this.#canonical(label, at + 8)];
  }

  elements(label: string, count: number): Ext[] {
    return Array.from({ length: count }, () => this.element(label));
  }

  digest(label: string): Uint8Array {
    const data = this.#take('digest', label, 32);
    this.transcript.absorb(label, data);
    return data;
  }

  bytes(label: string, length: number): Uint8Array {
    const data = this.#take('bytes', label, length);
    this.transcript.absorb(label, data);
    return data;
  }

  /** @throws VerificationError when the nonce shows less work than `bits`. */
  grind(label: string, bits: number): void {
    const nonce = this.#take('nonce', label, NONCE_BYTES);
    if (bits > 0 && leadingZeros(this.transcript.grindDigest(nonce)) < bits)
      throw new VerificationError('PROOF_OF_WORK', `${label}: the nonce shows less than ${bits} bits of work`, {
        argument: label,
      });
    if (bits === 0 && nonce.some((b) => b !== 0))
      throw new DecodeError('NONCE', label, this.#at - NONCE_BYTES, 'a nonce that proves nothing must be zero');
    this.transcript.absorb(label, nonce);
  }

  hint(label: string, length: number): Uint8Array {
    return this.#take('hint', label, length);
  }

  words(label: string, count: number): BigUint64Array {
    this.#take('hint', label, 8 * count);
    const at = this.#at - 8 * count;
    const out = new BigUint64Array(count);
    for (let i = 0; i < count; i++) out[i] = this.#canonical(label, at + 8 * i);
    return out;
  }

  /** @throws DecodeError when bytes are left over. */
  finish(): void {
    if (this.#at !== this.#bytes.length)
      throw new DecodeError(
        'TRAILING_BYTES',
        'proof',
        this.#at,
        `${this.#bytes.length - this.#at} bytes follow the proof's end`,
      );
  }

  #canonical(label: string, at: number): bigint {
    const word = this.#view.getBigUint64(at);
    if (word >= P) throw new DecodeError('NOT_CANONICAL', label, at, `${word} is not below p = 2^64 − 2^32 + 1`);
    return word;
  }

  #take(kind: LogEntry['kind'], label: string, length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length)
      throw new DecodeError(
        'TRUNCATED',
        label,
        this.#at,
        `${length} bytes expected, ${this.#bytes.length - this.#at} left`,
      );
    this.log.push({ kind, label, length });
    this.#at += length;
    this.onRead?.(this.#at);
    return this.#bytes.slice(this.#at - length, this.#at);
  }
}
