/** Signing of attestations; the digests and the recovery of a signer are in `protocol/attestation.ts`. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

import { publicKeyAddress, type Hex } from '../protocol/attestation.ts';

/** A key that is no secp256k1 private key. The message never contains the key. */
export class AttestationKeyError extends Error {
  constructor() {
    super('the attestation key is not a secp256k1 private key: give 0x and 64 hexadecimal digits, from 1 to the order');
    this.name = new.target.name;
  }
}

function secretKey(privateKey: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey)) throw new AttestationKeyError();
  const bytes = hexToBytes(privateKey.slice(2));
  if (!secp256k1.utils.isValidSecretKey(bytes)) throw new AttestationKeyError();
  return bytes;
}

/** The ERC-55 address of a private key (32 bytes). Throws `AttestationKeyError`. */
export function addressOf(privateKey: Hex): Hex {
  return publicKeyAddress(secp256k1.getPublicKey(secretKey(privateKey), false));
}

/**
 * Signs a 32-byte digest, deterministically (RFC 6979): 65 bytes r ‖ s ‖ v, s in the lower half, v 27 or 28.
 * Throws `AttestationKeyError`.
 */
export function signDigest(digest: Uint8Array, privateKey: Hex): Hex {
  const options = { prehash: false, lowS: true, format: 'recovered' } as const;
  const [recovery, ...rs] = secp256k1.sign(digest, secretKey(privateKey), options);
  return `0x${bytesToHex(Uint8Array.of(...rs, 27 + recovery))}`;
}
