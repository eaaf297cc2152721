/**
 * Attestations: EIP-712 messages by which a verifier says "I verified these proofs", signed with secp256k1.
 *
 * The domain is chain-neutral (a name and a version, no chainId, no contract): what is attested is a fact about proofs
 * and holds on every chain. `contracts/AdapterRegistry.sol` computes the same digests.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

import { ProtocolError } from './errors.ts';

/** Bytes as text: 0x and two hexadecimal digits a byte. */
export type Hex = `0x${string}`;

/** The proof of one range of steps was verified. */
export interface SegmentAttestation {
  /** 32 bytes: hash of the segment's statement. */
  readonly statementHash: Hex;
  /** 32 bytes: SHA-256 of the proof's bytes. */
  readonly proofDigest: Hex;
  /** 32 bytes: the verifier's version. */
  readonly verifier: Hex;
  /** 20 bytes: the Ethereum address in the statement. */
  readonly owner: Hex;
  /** Seconds since 1970. */
  readonly issuedAt: bigint;
}

/** Every segment of a run was verified, and together they go from step 0 to the declared last step. */
export interface RunAttestation {
  /** 32 bytes: binds base, data, configuration, nonce and owner. */
  readonly runId: Hex;
  /** 32 bytes: binds the chain of segments. */
  readonly runDigest: Hex;
  /** 32 bytes: root of the final adapter. */
  readonly adapterRoot: Hex;
  /** 32 bytes: root of the base model. */
  readonly baseRoot: Hex;
  /** 32 bytes: root of the training data. */
  readonly dataRoot: Hex;
  /** 20 bytes: the trainer's Ethereum address. */
  readonly owner: Hex;
  /** Number of optimiser steps. */
  readonly steps: bigint;
  /** 32 bytes: the verifier's version. */
  readonly verifier: Hex;
  /** Seconds since 1970. */
  readonly issuedAt: bigint;
}

/** An attestation with its signature, as the worker hands it out. */
export interface Signed<T extends SegmentAttestation | RunAttestation> {
  readonly attestation: T;
  /** 20 bytes: whose key signed. */
  readonly attester: Hex;
  /** 65 bytes r ‖ s ‖ v, s in the lower half of the order, v 27 or 28. */
  readonly signature: Hex;
}

/** The domain of every attestation; there is no chainId on purpose. */
export const ATTESTATION_DOMAIN = { name: 'zkLoRA', version: '1' } as const;

/** The EIP-712 types, as `viem`'s signTypedData and hashTypedData take them. */
export const ATTESTATION_TYPES = {
  SegmentAttestation: [
    { name: 'statementHash', type: 'bytes32' },
    { name: 'proofDigest', type: 'bytes32' },
    { name: 'verifier', type: 'bytes32' },
    { name: 'owner', type: 'address' },
    { name: 'issuedAt', type: 'uint64' },
  ],
  RunAttestation: [
    { name: 'runId', type: 'bytes32' },
    { name: 'runDigest', type: 'bytes32' },
    { name: 'adapterRoot', type: 'bytes32' },
    { name: 'baseRoot', type: 'bytes32' },
    { name: 'dataRoot', type: 'bytes32' },
    { name: 'owner', type: 'address' },
    { name: 'steps', type: 'uint64' },
    { name: 'verifier', type: 'bytes32' },
    { name: 'issuedAt', type: 'uint64' },
  ],
} as const;

type FieldType = 'bytes32' | 'address' | 'uint64';
type Fields = readonly { readonly name: string; readonly type: FieldType }[];
type Message = Readonly<Record<string, unknown>>;

/** A field or signature that no attestation can have. */
export class AttestationError extends ProtocolError {
  /** The field, or `signature`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(field === 'signature' ? 'ATTESTATION_SIGNATURE' : 'ATTESTATION_FIELD', `${field}: ${message}`);
    this.field = field;
  }
}

function bytesOf(field: string, value: unknown, length: number): Uint8Array {
  if (typeof value !== 'string' || !new RegExp(`^0x[0-9a-fA-F]{${2 * length}}$`).test(value)) {
    throw new AttestationError(field, `expected 0x and ${2 * length} hexadecimal digits`);
  }
  return hexToBytes(value.slice(2));
}

function word(field: string, type: FieldType, value: unknown): Uint8Array {
  if (type === 'bytes32') return bytesOf(field, value, 32);
  const padded = new Uint8Array(32);
  if (type === 'address') {
    padded.set(bytesOf(field, value, 20), 12);
  } else if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) {
    new DataView(padded.buffer).setBigUint64(24, value);
  } else {
    throw new AttestationError(field, 'expected an integer from 0 to 2^64 - 1');
  }
  return padded;
}

function typeHash(name: string, fields: Fields): Uint8Array {
  return keccak_256(utf8ToBytes(`${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`));
}

/** EIP-712 `hashStruct` of a struct without dynamic or nested fields. */
function hashStruct(name: string, fields: Fields, message: Message): Uint8Array {
  const words = fields.map((field) => word(field.name, field.type, message[field.name]));
  return keccak_256(concatBytes(typeHash(name, fields), ...words));
}

const DOMAIN_SEPARATOR = keccak_256(
  concatBytes(
    keccak_256(utf8ToBytes('EIP712Domain(string name,string version)')),
    keccak_256(utf8ToBytes(ATTESTATION_DOMAIN.name)),
    keccak_256(utf8ToBytes(ATTESTATION_DOMAIN.version)),
  ),
);

function digestOf(name: keyof typeof ATTESTATION_TYPES, message: object): Uint8Array {
  const struct = hashStruct(name, ATTESTATION_TYPES[name], message as Message);
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), DOMAIN_SEPARATOR, struct));
}

/** The 32 bytes that are signed for a segment. Throws `AttestationError` for a field out of range. */
export function segmentAttestationDigest(attestation: SegmentAttestation): Uint8Array {
  return digestOf('SegmentAttestation', attestation);
}

/** The 32 bytes that are signed for a run. Throws `AttestationError` for a field out of range. */
export function runAttestationDigest(attestation: RunAttestation): Uint8Array {
  return digestOf('RunAttestation', attestation);
}

/**
 * The id (32 bytes) under which the registry contract keeps a run's record: all its fields but the time of issue, so
 * that several attesters can attest the same record. `idOf` in `contracts/IAdapterRegistry.sol`.
 */
export function adapterRecordId(record: Omit<RunAttestation, 'issuedAt'>): Hex {
  const fields = ATTESTATION_TYPES.RunAttestation.filter((field) => field.name !== 'issuedAt');
  return `0x${bytesToHex(hashStruct('AdapterRecord', fields, record))}`;
}

/** An address (20 bytes) with the capitals of ERC-55, whatever capitals it had. */
export function checksumAddress(address: Hex): Hex {
  const digits = bytesToHex(bytesOf('address', address, 20));
  const hash = bytesToHex(keccak_256(utf8ToBytes(digits)));
  const mixed = Array.from(digits, (digit, i) => (parseInt(hash[i], 16) >= 8 ? digit.toUpperCase() : digit));
  return `0x${mixed.join('')}`;
}

/** The address of an uncompressed public key (65 bytes), ERC-55. */
export function publicKeyAddress(publicKey: Uint8Array): Hex {
  return checksumAddress(`0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`);
}

/**
 * Whose key signed `digest` (32 bytes), as an ERC-55 address. Every signature with fields in range is somebody's:
 * compare the address with the one expected.
 * Throws `AttestationError` for any length but 65, v other than 27 or 28, r or s out of range, and s in the upper half
 * (EIP-2: else anybody could make a second signature of a given one).
 */
export function recoverAddress(digest: Uint8Array, signature: Hex): Hex {
  const bytes = bytesOf('signature', signature, 65);
  const v = bytes[64];
  if (v !== 27 && v !== 28) throw new AttestationError('signature', `v is ${v}, expected 27 or 28`);
  try {
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact').addRecoveryBit(v - 27);
    if (!parsed.hasHighS()) return publicKeyAddress(parsed.recoverPublicKey(digest).toBytes(false));
  } catch (cause) {
    throw new AttestationError('signature', `no key made it: ${(cause as Error).message}`);
  }
  throw new AttestationError('signature', 's is in the upper half of the order');
}
