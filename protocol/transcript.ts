/**
 * The Fiat–Shamir transcript: a SHA-256 chain over labelled, length-prefixed messages.
 *
 * state ← H("absorb" ‖ state ‖ |label| ‖ label ‖ |data| ‖ data); challenge bytes are
 * H("squeeze" ‖ state ‖ |label| ‖ label ‖ counter), after which the state absorbs the label too, so that two challenges
 * in a row differ.
 */
import { ascii, concat, u32 } from './bytes.ts';
import { P } from './field.ts';
import type { Ext } from './extension.ts';
import { searchNonce, sha256 } from './hash.ts';

const ABSORB = ascii('zklora/absorb/v1');
const SQUEEZE = ascii('zklora/squeeze/v1');
const GRIND = ascii('zklora/grind');

/** Number of leading zero bits. */
export function leadingZeros(digest: Uint8Array): number {
  let bits = 0;
  for (const byte of digest) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}

export class Transcript {
  #state: Uint8Array = sha256(ascii('zklora/transcript/v1'));

  absorb(label: string, data: Uint8Array): void {
    const name = ascii(label);
    this.#state = sha256(concat(ABSORB, this.#state, u32(name.length), name, u32(data.length), data));
  }

  /** An unbiased element of F_p²; probability 2^-32 that a draw is repeated. */
  challenge(label: string): Ext {
    const words: bigint[] = [];
    for (let counter = 0; words.length < 2; counter++) {
      const bytes = this.#squeeze(label, counter);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < 4 && words.length < 2; i++) {
        const word = view.getBigUint64(8 * i);
        if (word < P) words.push(word);
      }
    }
    this.absorb(label, new Uint8Array());
    return [words[0], words[1]];
  }

  /** `count` independent indices below 2^bits (with repetitions), bits ≤ 32. */
  indices(label: string, count: number, bits: number): number[] {
    const out: number[] = [];
    for (let counter = 0; out.length < count; counter++) {
      const bytes = this.#squeeze(label, counter);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < 8 && out.length < count; i++)
        out.push(bits === 0 ? 0 : view.getUint32(4 * i) >>> (32 - bits));
    }
    this.absorb(label, new Uint8Array());
    return out;
  }

  /** The digest whose leading zeros prove work: H("zklora/grind" ‖ state ‖ nonce), one SHA-256 block. */
  grindDigest(nonce: Uint8Array): Uint8Array {
    return sha256(concat(GRIND, this.#state, nonce));
  }

  /** The first nonce whose grind digest has `bits` leading zero bits. */
  searchNonce(bits: number): Uint8Array {
    return searchNonce(concat(GRIND, this.#state), bits);
  }

  #squeeze(label: string, counter: number): Uint8Array {
    const name = ascii(label);
    return sha256(concat(SQUEEZE, this.#state, u32(name.length), name, u32(counter)));
  }
}
