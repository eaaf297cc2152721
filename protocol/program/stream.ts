/** A public stream of uniform integers from a seed: SHA-256 in counter mode. */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DIGEST_BYTES, compressPair, sha256 } from '../hash.ts';

const TAG = utf8ToBytes('zklora/stream/v1');

/** Bytes of a stream's seed. */
export const SEED_BYTES = 32;

/**
 * Uniform integers: key = SHA-256(tag ‖ seed ‖ label), block i = SHA-256(key ‖ i as 32 big-endian bytes), each block read
 * as eight big-endian 32-bit words. Tag and seed have fixed lengths, so different labels give independent streams.
 */
export class UniformStream {
  private readonly key: Uint8Array;
  private readonly counter = new DataView(new ArrayBuffer(DIGEST_BYTES));
  private block: DataView = new DataView(new ArrayBuffer(0));
  private offset = 0;
  private blocks = 0;

  /**
   * @param seed 32 bytes
   * @param label what the stream is for
   * @throws RangeError for a seed of another length
   */
  constructor(seed: Uint8Array, label: string) {
    if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes, not ${seed.length}`);
    this.key = sha256(concatBytes(TAG, seed, utf8ToBytes(label)));
  }

  /** The next 32-bit word. */
  word(): number {
    if (this.offset === this.block.byteLength) {
      this.counter.setUint32(DIGEST_BYTES - 8, Math.floor(this.blocks / 2 ** 32));
      this.counter.setUint32(DIGEST_BYTES - 4, this.blocks % 2 ** 32);
      this.blocks++;
      const digest = compressPair(this.key, new Uint8Array(this.counter.buffer));
      this.block = new DataView(digest.buffer, digest.byteOffset, digest.length);
      this.offset = 0;
    }
    const word = this.block.getUint32(this.offset);
    this.offset += 4;
    return word;
  }

  /**
   * A uniform integer below n; words at or above the last multiple of n are rejected, so there is no bias.
   *
   * @param n 1 to 2^32
   * @throws RangeError for another n
   */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`no uniform integer below ${n}`);
    const end = 2 ** 32 - (2 ** 32 % n);
    let word = this.word();
    while (word >= end) word = this.word();
    return word % n;
  }
}
