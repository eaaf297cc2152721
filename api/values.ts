/** Schemas of the values that several answers hold. Digests and roots are 32 bytes in lower-case hexadecimal. */
import { z } from 'zod';

export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
  .meta({ id: 'Digest', description: '32 bytes, 64 lower-case hexadecimal digits', example: 'a7'.repeat(32) });

export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected 0x and 40 hexadecimal digits')
  .meta({ id: 'Address', description: 'an Ethereum address', example: `0x${'11'.repeat(20)}` });

export const bytes32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'expected 0x and 64 hexadecimal digits')
  .meta({ id: 'Bytes32', description: '32 bytes as contracts write them: 0x and 64 hexadecimal digits' });

/** A schema's value, or null. (`.nullable()` of a named schema is lost in the OpenAPI document.) */
export const orNull = <S extends z.ZodType>(schema: S) => z.union([schema, z.null()]);

/** A whole number from 0 on. */
export const count = z.int().min(0);

/** Seconds since 1970. */
export const seconds = count.meta({ id: 'Seconds', description: 'seconds since 1970', example: 1_795_348_800 });

const integerText = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);
const signature = z
  .string()
  .regex(/^0x[0-9a-fA-F]{130}$/, 'expected 65 bytes')
  .meta({ description: '65 bytes r ‖ s ‖ v of secp256k1 over the EIP-712 digest' });

export const segmentAttestation = z
  .object({
    attestation: z.object({
      statementHash: bytes32,
      proofDigest: bytes32,
      verifier: bytes32,
      owner: address,
      issuedAt: integerText,
    }),
    attester: address,
    signature,
  })
  .meta({ id: 'SegmentAttestation', description: 'EIP-712: the attester verified the proof of one range of steps' });

export const runAttestation = z
  .object({
    attestation: z.object({
      runId: bytes32,
      runDigest: bytes32,
      adapterRoot: bytes32,
      baseRoot: bytes32,
      dataRoot: bytes32,
      owner: address,
      steps: integerText,
      verifier: bytes32,
      issuedAt: integerText,
    }),
    attester: address,
    signature,
  })
  .meta({ id: 'RunAttestation', description: 'EIP-712: the attester verified every segment of a run' });

/** What a statement says is checked by the protocol's own parser (`protocol/statement-schema.ts`). */
export const run = z
  .record(z.string(), z.unknown())
  .meta({ id: 'Run', description: 'a run as its statement declares it: model, LoRA, optimiser, data, owner, nonce' });
export const statement = z.object({ run, segment: z.record(z.string(), z.unknown()) }).meta({
  id: 'Statement',
  description: 'the public statement of a segment proof; its canonical JSON is in the proof',
});

export const withdrawal = z
  .object({ at: seconds, reason: z.string() })
  .meta({ id: 'Withdrawal', description: 'since when, and why, a verifier version counts no more' });

export const verifierVersion = z.object({ id: z.string(), version: z.string(), codeHash: digest, digest }).meta({
  id: 'VerifierVersion',
  description: 'a verifier version; `digest` covers id, version, protocol and code hash',
});

/** One of four questions about an adapter, answered. */
export const answer = z
  .object({
    answer: z.enum(['yes', 'no', 'not asked']),
    why: z.string().nullable(),
    evidence: z.record(z.string(), z.union([z.string(), z.number()])),
  })
  .meta({ id: 'Answer', description: '`not asked`: nobody was named who could tell' });
