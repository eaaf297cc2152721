/**
 * SHA-256 (FIPS 180-4) in 32-bit integer arithmetic. Written out here because a verifier hashes many Merkle nodes of
 * two blocks each, where a general library's per-call work costs more than the compression itself.
 */

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;

/** Bytes of one block of the compression function. */
export const BLOCK_BYTES = 64;

/** Round constants, FIPS 180-4 section 4.2.2. */
export const ROUND_CONSTANTS: Int32Array = Int32Array.from([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

/** The initial chaining value, FIPS 180-4 section 5.3.3. */
const INITIAL: Int32Array = Int32Array.from([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

// Scratch of the current compression; everything here is synchronous, so one of each is enough.
const schedule = new Int32Array(64);
const pairState = new Int32Array(8);

function load(bytes: Uint8Array, offset: number): void {
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    schedule[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
}

/** Extends the 16 words in `w` to 64. */
function expand(w: Int32Array): void {
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
}

/** The 64 rounds over constants `k` and the expanded schedule `w`. */
function rounds(state: Int32Array, k: Int32Array, w: Int32Array): void {
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + k[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function writeState(state: Int32Array, out: Uint8Array): Uint8Array {
  for (let i = 0; i < 8; i++) {
    const word = state[i];
    out[4 * i] = word >>> 24;
    out[4 * i + 1] = word >>> 16;
    out[4 * i + 2] = word >>> 8;
    out[4 * i + 3] = word;
  }
  return out;
}

/** The second block of any 64-byte message is padding alone, so its schedule is a constant. */
const PAIR_PADDING: Int32Array = (() => {
  const w = new Int32Array(64);
  w[0] = 0x80000000;
  w[15] = 8 * BLOCK_BYTES;
  expand(w);
  return w;
})();

/** Incremental SHA-256: `new Sha256().update(a).update(b).digest()` hashes a ‖ b. */
export class Sha256 {
  readonly #state = INITIAL.slice();
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #length = 0;

  #compress(bytes: Uint8Array, offset: number): void {
    load(bytes, offset);
    expand(schedule);
    rounds(this.#state, ROUND_CONSTANTS, schedule);
  }

  /** Appends bytes. */
  update(bytes: Uint8Array): this {
    const filled = this.#length % BLOCK_BYTES;
    this.#length += bytes.length;
    let at = 0;
    if (filled > 0) {
      at = Math.min(BLOCK_BYTES - filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), filled);
      if (filled + at < BLOCK_BYTES) return this;
      this.#compress(this.#block, 0);
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
    return this;
  }

  /**
   * The eight words of the chaining value after whole blocks.
   * @throws RangeError when the length so far is no multiple of 64 bytes.
   */
  midstate(): Uint32Array {
    if (this.#length % BLOCK_BYTES !== 0) throw new RangeError('a midstate exists only after whole blocks of 64 bytes');
    return Uint32Array.from(this.#state, (word) => word >>> 0);
  }

  /** The digest of all bytes so far, 32 bytes; more may be appended afterwards. */
  digest(): Uint8Array {
    const filled = this.#length % BLOCK_BYTES;
    const tail = new Uint8Array(filled < 56 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
    tail.set(this.#block.subarray(0, filled));
    tail[filled] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(this.#length / 2 ** 29));
    view.setUint32(tail.length - 4, this.#length << 3);
    const state = this.#state.slice();
    for (let at = 0; at < tail.length; at += BLOCK_BYTES) {
      load(tail, at);
      expand(schedule);
      rounds(state, ROUND_CONSTANTS, schedule);
    }
    return writeState(state, new Uint8Array(DIGEST_BYTES));
  }
}

/** SHA-256 of `bytes`, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Sha256().update(bytes).digest();
}

/**
 * SHA-256(left ‖ right) of two digests, 32 bytes.
 * @throws RangeError when either isn't 32 bytes long.
 */
export function compressPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== DIGEST_BYTES || right.length !== DIGEST_BYTES)
    throw new RangeError('compressPair takes two digests of 32 bytes');
  pairState.set(INITIAL);
  for (let i = 0, at = 0; i < 8; i++, at += 4) {
    schedule[i] = (left[at] << 24) | (left[at + 1] << 16) | (left[at + 2] << 8) | left[at + 3];
    schedule[8 + i] = (right[at] << 24) | (right[at + 1] << 16) | (right[at + 2] << 8) | right[at + 3];
  }
  expand(schedule);
  rounds(pairState, ROUND_CONSTANTS, schedule);
  rounds(pairState, ROUND_CONSTANTS, PAIR_PADDING);
  return writeState(pairState, new Uint8Array(DIGEST_BYTES));
}

/**
 * Compresses one block into a chaining value, in place: for callers that hash many messages side by side.
 * @param states chaining values of 8 words each; the one at `at` is replaced
 * @param words message words; the block is the 16 from `block` on
 */
export function compressWords(states: Int32Array, at: number, words: Uint32Array, block: number): void {
  for (let i = 0; i < 8; i++) pairState[i] = states[at + i];
  for (let i = 0; i < 16; i++) schedule[i] = words[block + i];
  expand(schedule);
  rounds(pairState, ROUND_CONSTANTS, schedule);
  for (let i = 0; i < 8; i++) states[at + i] = pairState[i];
}

/** Replaces the digest of 8 words at `at` of `left` by SHA-256 of it ‖ the one at `at` of `right`. */
export function compressPairWords(left: Int32Array, right: Int32Array, at: number): void {
  pairState.set(INITIAL);
  for (let i = 0; i < 8; i++) {
    schedule[i] = left[at + i];
    schedule[8 + i] = right[at + i];
  }
  expand(schedule);
  rounds(pairState, ROUND_CONSTANTS, schedule);
  rounds(pairState, ROUND_CONSTANTS, PAIR_PADDING);
  for (let i = 0; i < 8; i++) left[at + i] = pairState[i];
}

/**
 * The first 8-byte big-endian nonce for which SHA-256(prefix ‖ nonce) begins with `bits` zero bits, by trying 0, 1, 2, ….
 * @param prefix at most 47 bytes, so that the message is one block
 * @param bits 0 to 32
 * @throws RangeError for a longer prefix or more bits
 */
export function searchNonce(prefix: Uint8Array, bits: number): Uint8Array {
  if (prefix.length > 47 || bits > 32) throw new RangeError('a nonce is searched for one block and at most 32 bits');
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(prefix);
  const view = new DataView(block.buffer);
  block[prefix.length + 8] = 0x80;
  view.setUint32(BLOCK_BYTES - 4, 8 * (prefix.length + 8));
  const state = new Int32Array(8);
  for (let nonce = 0; ; nonce++) {
    view.setUint32(prefix.length, Math.floor(nonce / 2 ** 32));
    view.setUint32(prefix.length + 4, nonce % 2 ** 32);
    load(block, 0);
    expand(schedule);
    state.set(INITIAL);
    rounds(state, ROUND_CONSTANTS, schedule);
    if (Math.clz32(state[0]) >= bits) return block.slice(prefix.length, prefix.length + 8);
  }
}
