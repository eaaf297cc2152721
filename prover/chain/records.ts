/** Records of runs as the registry's functions take them. */
import { z } from 'zod';

import { checksumAddress, type Hex, type RunAttestation, type Signed } from '../../protocol/attestation.ts';

/** What identifies a record: an attestation without its time, or with it. */
export type AdapterRecord = Omit<RunAttestation, 'issuedAt'>;

/** The contract's `Attestation`. */
export interface AttestationArgument {
  readonly attester: Hex;
  /** Seconds since 1970. */
  readonly issuedAt: bigint;
  /** 65 bytes. */
  readonly signature: Hex;
}

/** The contract's record of a run: the attestation's fields without the time. */
export function recordOf(run: AdapterRecord): AdapterRecord {
  const { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier } = run;
  return { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier };
}

/** The contract's form of a signed attestation. */
export function attestationArgument({ attestation, attester, signature }: Signed<RunAttestation>): AttestationArgument {
  return { attester, issuedAt: attestation.issuedAt, signature };
}

/** Schema of `bytes` bytes as 0x and hexadecimal digits; any length where absent. */
export function hexSchema(bytes?: number) {
  const digits = bytes === undefined ? /^0x([0-9a-fA-F]{2})*$/ : new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`);
  const what = bytes === undefined ? '0x and hexadecimal digits' : `0x and ${2 * bytes} hexadecimal digits`;
  return z
    .string()
    .regex(digits, `expected ${what}`)
    .transform((text) => text.toLowerCase() as Hex);
}

/** Schema of an address, of whatever capitals; ERC-55 when parsed. */
export const addressSchema = hexSchema(20).transform(checksumAddress);

/** Schema of an integer from 0 to 2^256 - 1 as a decimal string. */
export const decimalSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, 'expected a decimal integer')
  .transform(BigInt)
  .refine((value) => value < 1n << 256n, 'expected an integer below 2^256');

/** A time in seconds since 1970 as ISO 8601 in UTC; times beyond a date's range as the number they are. */
export function isoTime(seconds: bigint | number): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
}
