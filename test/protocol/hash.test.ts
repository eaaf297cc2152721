import { sha256 as reference } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';

import { Sha256, compressPair, sha256 } from '../../protocol/hash.ts';

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A fixed byte sequence that looks random: a linear congruential generator. */
function bytesOf(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

describe('sha256', () => {
  // FIPS 180-4 examples and the vectors of NIST's CAVP short-message file.
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])('hashes the published message %j', (message, digest) => {
    expect(hex(sha256(ascii(message)))).toBe(digest);
  });

  test('hashes a million times the letter a', () => {
    expect(hex(sha256(new Uint8Array(1_000_000).fill(0x61)))).toBe(
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    );
  });

  test('agrees with @noble/hashes on every length from 0 to 300', () => {
    for (let length = 0; length <= 300; length++) {
      const message = bytesOf(length, length + 1);
      expect(hex(sha256(message)), `length ${length}`).toBe(hex(reference(message)));
    }
  });

  test('does not depend on how the message is cut into updates', () => {
    const message = bytesOf(300, 7);
    const expected = hex(reference(message));
    for (let cut = 0; cut <= 300; cut++) {
      const hash = new Sha256().update(message.subarray(0, cut)).update(message.subarray(cut));
      expect(hex(hash.digest()), `cut at ${cut}`).toBe(expected);
    }
    const single = new Sha256();
    for (const byte of message) single.update(Uint8Array.of(byte));
    expect(hex(single.digest())).toBe(expected);
  });

  test('goes on after a digest', () => {
    const hash = new Sha256().update(ascii('abc'));
    hash.digest();
    expect(hex(hash.update(ascii('def')).digest())).toBe(hex(sha256(ascii('abcdef'))));
  });

  test('gives a midstate after whole blocks only', () => {
    expect(Array.from(new Sha256().midstate(), (w) => w.toString(16))[0]).toBe('6a09e667');
    expect(() => new Sha256().update(new Uint8Array(63)).midstate()).toThrow(RangeError);
    expect(new Sha256().update(new Uint8Array(64)).midstate()).not.toEqual(new Sha256().midstate());
  });
});

describe('compressPair', () => {
  test('is SHA-256 of the concatenation', () => {
    for (let seed = 0; seed < 20; seed++) {
      const both = bytesOf(64, seed);
      expect(hex(compressPair(both.subarray(0, 32), both.subarray(32)))).toBe(hex(reference(both)));
    }
  });

  test('refuses anything but two digests', () => {
    expect(() => compressPair(new Uint8Array(32), new Uint8Array(31))).toThrow(RangeError);
    expect(() => compressPair(new Uint8Array(33), new Uint8Array(32))).toThrow(RangeError);
  });
});
