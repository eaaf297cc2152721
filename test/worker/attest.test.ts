import { bytesToHex } from 'viem';

import { privateKeyToAccount, sign } from 'viem/accounts';
import { expect, test } from 'vitest';

import { recoverAddress, type Hex } from '../../protocol/attestation.ts';
import { addressOf, AttestationKeyError, signDigest } from '../../worker/attest.ts';

const keys = Array.from({ length: 8 }, (_, i): Hex => `0x${(i + 1).toString(16).padStart(64, 'a')}`);
const digests = Array.from({ length: 8 }, (_, i) => new Uint8Array(32).fill(17 * i + 1));

test('addresses and signatures are those of viem, and recover', async () => {
  for (const privateKey of keys) {
    expect(addressOf(privateKey)).toBe(privateKeyToAccount(privateKey).address);
    for (const digest of digests) {
      const signature = signDigest(digest, privateKey);
      expect(signature).toBe(await sign({ hash: bytesToHex(digest), privateKey, to: 'hex' }));
      expect(recoverAddress(digest, signature)).toBe(addressOf(privateKey));
    }
  }
});

test('keys that are none are refused without being shown', () => {
  const order = '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
  for (const bad of ['0x', `0x${'00'.repeat(32)}`, order, keys[0].slice(2), `${keys[0]}00`] as Hex[]) {
    expect(() => addressOf(bad)).toThrow(AttestationKeyError);
    expect(() => signDigest(digests[0], bad)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(keys[0].slice(2)) as string }),
    );
  }
});
