/** Attestations as JSON: bytes as 0x-hexadecimal, integers as decimal strings (uint64 exceeds a double's integers). */
import {
  ATTESTATION_TYPES,
  AttestationError,
  checksumAddress,
  type Hex,
  type RunAttestation,
  type SegmentAttestation,
  type Signed,
} from './attestation.ts';

/** JSON twin of an attestation: the same names, every value a string. */
export type AttestationJson<T extends SegmentAttestation | RunAttestation> = { readonly [K in keyof T]: string };

/** JSON twin of `Signed`. */
export interface SignedJson<T extends SegmentAttestation | RunAttestation> {
  readonly attestation: AttestationJson<T>;
  readonly attester: string;
  readonly signature: string;
}

/** The JSON of a signed attestation; `JSON.stringify` takes it. */
export function signedToJson<T extends SegmentAttestation | RunAttestation>(signed: Signed<T>): SignedJson<T> {
  const attestation = Object.fromEntries(Object.entries(signed.attestation).map(([k, v]) => [k, String(v)]));
  return { ...signed, attestation: attestation as AttestationJson<T> };
}

function textAt(value: unknown, field: string): string {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
  if (typeof found !== 'string') throw new AttestationError(field, 'expected a string');
  return found;
}

function hexAt(value: unknown, field: string, length: number): Hex {
  const text = textAt(value, field);
  if (!new RegExp(`^0x[0-9a-fA-F]{${2 * length}}$`).test(text)) {
    throw new AttestationError(field, `expected 0x and ${2 * length} hexadecimal digits`);
  }
  return text.toLowerCase() as Hex;
}

function integerAt(value: unknown, field: string): bigint {
  const text = textAt(value, field);
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text) || BigInt(text) >= 1n << 64n) {
    throw new AttestationError(field, 'expected a decimal integer from 0 to 2^64 - 1');
  }
  return BigInt(text);
}

function parseSigned<T extends SegmentAttestation | RunAttestation>(
  name: keyof typeof ATTESTATION_TYPES,
  value: unknown,
): Signed<T> {
  const outer = value as { attestation?: unknown } | null | undefined;
  const entries = ATTESTATION_TYPES[name].map((field) => {
    if (field.type === 'uint64') return [field.name, integerAt(outer?.attestation, field.name)];
    if (field.type === 'bytes32') return [field.name, hexAt(outer?.attestation, field.name, 32)];
    return [field.name, checksumAddress(hexAt(outer?.attestation, field.name, 20))];
  });
  return {
    attestation: Object.fromEntries(entries) as T,
    attester: checksumAddress(hexAt(value, 'attester', 20)),
    signature: hexAt(value, 'signature', 65),
  };
}

/** Reads what `signedToJson` made; the signature isn't checked here. Throws `AttestationError` naming the field. */
export function parseSignedSegment(value: unknown): Signed<SegmentAttestation> {
  return parseSigned('SegmentAttestation', value);
}

/** Reads what `signedToJson` made; the signature isn't checked here. Throws `AttestationError` naming the field. */
export function parseSignedRun(value: unknown): Signed<RunAttestation> {
  return parseSigned('RunAttestation', value);
}
