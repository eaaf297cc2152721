/** Schemas of the facts in R2, by which they are checked whenever they are read. */
import { z } from 'zod';

import { address, count, digest, seconds, verifierVersion } from '../../api/values.ts';
import { toHex } from '../../protocol/bytes.ts';
import { runId, statementHash, type RunSpec, type Statement } from '../../protocol/statement.ts';
import type { AttesterWindow, KnownVerifier, ProofRecord, ShownFile } from './types.ts';

/** A run, as its manifest has it. */
export interface Manifest {
  readonly runId: string;
  readonly run: RunSpec;
}

/** A value that a schema takes, as it stands: zod's own result has the fields in another order. */
function asIs<S extends z.ZodType>(schema: S): z.ZodType<z.output<S>> {
  return z.unknown().superRefine((value, context) => {
    for (const { path, message } of schema.safeParse(value).error?.issues ?? [])
      context.addIssue({ code: 'custom', path: [...path], message });
  }) as z.ZodType<z.output<S>>;
}

// What the index needs of a run and a segment. All the rest is bound by the hashes: a record stays readable when a later
// protocol has other fields.
const run = asIs(z.looseObject({ owner: address, baseRoot: digest, dataRoot: digest, steps: count }));
const segment = asIs(
  z.looseObject({
    first: count,
    steps: z.int().min(1),
    adapterIn: digest.nullable(),
    momentsIn: digest.nullable(),
    adapterOut: digest,
    momentsOut: digest,
    counts: z.array(count),
    losses: z.array(count).nullable(),
  }),
);

/** Whether a hash of a value is the one stated; what has no canonical form has no hash. */
function hashes(stated: string, hash: () => Uint8Array): boolean {
  try {
    return toHex(hash()) === stated;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The manifest of one run. */
export function manifestSchema(id: string): z.ZodType<Manifest> {
  return z
    .object({ runId: z.literal(id), run })
    .refine((m) => hashes(m.runId, () => runId(m.run as unknown as RunSpec)), {
      path: ['run'],
      message: 'its hash is not the run id',
    }) as unknown as z.ZodType<Manifest>;
}

/** The record of one proof by one verifier version (its digest). */
export function recordSchema(proof: string, verifier: string): z.ZodType<ProofRecord> {
  return z
    .object({
      proofDigest: z.literal(proof),
      proofBytes: z.int().min(1),
      statementHash: digest,
      runId: digest,
      verifier: verifierVersion.extend({ digest: z.literal(verifier) }),
      soundnessBits: z.number().min(0),
      receivedAt: seconds,
      statement: z.object({ run, segment }),
    })
    .refine((r) => hashes(r.statementHash, () => statementHash(r.statement as unknown as Statement)), {
      path: ['statement'],
      message: 'its hash is not the statement hash',
    })
    .refine((r) => hashes(r.runId, () => runId(r.statement.run as unknown as RunSpec)), {
      path: ['statement', 'run'],
      message: 'its hash is not the run id',
    }) as unknown as z.ZodType<ProofRecord>;
}

/** A shown file. */
export function fileSchema(adapterRoot: string, file: string): z.ZodType<ShownFile> {
  return z.object({
    file: z.literal(file),
    tensors: digest,
    adapterRoot: z.literal(adapterRoot),
    runId: digest,
    shownAt: seconds,
  });
}

/** A verifier version that was withdrawn; the object says which, so that it is known without any record. */
export type WithdrawnVerifier = KnownVerifier & { readonly withdrawn: object };

export function withdrawalSchema(verifier: string): z.ZodType<WithdrawnVerifier> {
  return verifierVersion.extend({
    digest: z.literal(verifier),
    withdrawn: z.object({ at: seconds, reason: z.string().min(1) }),
  });
}

/** From when until when a key attests. @param of the address in the object's name */
export function windowSchema(of: string): z.ZodType<AttesterWindow> {
  return z.object({ address: z.literal(of), validFrom: seconds, validUntil: seconds.nullable() });
}
