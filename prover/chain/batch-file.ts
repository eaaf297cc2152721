/** The file of a batch: all that a reader needs beside the chain, for each record its attestation and its place. */
import { readFile } from 'node:fs/promises';
import { isAddressEqual, type Address, type Hex } from 'viem';
import { z } from 'zod';

import { adapterRecordId, type RunAttestation, type Signed } from '../../protocol/attestation.ts';
import { signedToJson } from '../../protocol/attestation-json.ts';
import { signedRunOf } from './attestation-source.ts';
import { batchOf, inBatch } from './batch.ts';
import { BatchError } from './errors.ts';
import { createFile, PUBLIC } from './whole-file.ts';
import { addressSchema, hexSchema } from './records.ts';
import { ChainFileError } from './transaction-errors.ts';

const FORMAT = 'zklora/batch/v1';

/** One record of a batch. */
export interface BatchEntry {
  /** From 0 on. */
  readonly index: number;
  readonly id: Hex;
  readonly signed: Signed<RunAttestation>;
  /** Siblings from the leaf's upwards, 32 bytes each. */
  readonly proof: readonly Hex[];
}

/** A batch of one owner. */
export interface BatchFile {
  readonly chainId: number;
  readonly registry: Address;
  readonly owner: Address;
  readonly root: Hex;
  /** Of the batch; a file may hold fewer entries. */
  readonly count: number;
  readonly entries: readonly BatchEntry[];
}

/**
 * Makes a batch of attested runs, in their order.
 * @throws BatchError for none, a run twice, or runs of several owners
 */
export function makeBatch(
  at: { readonly chainId: number; readonly registry: Address },
  signed: readonly Signed<RunAttestation>[],
): BatchFile {
  const ids = signed.map(({ attestation }) => adapterRecordId(attestation));
  const { root, proofs } = batchOf(ids);
  const { owner } = signed[0].attestation;
  const other = signed.find(({ attestation }) => !isAddressEqual(attestation.owner, owner));
  if (other !== undefined)
    throw new BatchError(
      `run ${other.attestation.runId} is of ${other.attestation.owner}, others are of ${owner}`,
      'Anchor the runs of each owner in a batch of their own.',
    );
  const entries = signed.map((one, index) => ({ index, id: ids[index], signed: one, proof: proofs[index] }));
  return { ...at, owner, root, count: entries.length, entries };
}

const schema = z.strictObject({
  format: z.literal(FORMAT),
  chainId: z.int().min(1),
  registry: addressSchema,
  owner: addressSchema,
  root: hexSchema(32),
  count: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  records: z
    .array(
      z.strictObject({
        index: z.int().min(0),
        id: hexSchema(32),
        attestation: z.unknown(),
        proof: z.array(hexSchema(32)).max(32),
      }),
    )
    .min(1),
});

function textOf({ chainId, registry, owner, root, count, entries }: BatchFile): string {
  const records = entries.map(({ index, id, signed, proof }) => {
    return { index, id, attestation: signedToJson(signed), proof };
  });
  return `${JSON.stringify({ format: FORMAT, chainId, registry, owner, root, count, records }, null, 2)}\n`;
}

/** Writes a batch where there is no such file. @returns false where there is one, which stays as it is */
export async function writeBatch(file: string, batch: BatchFile): Promise<boolean> {
  return createFile(file, textOf(batch), PUBLIC);
}

/**
 * Reads a batch. A file may hold some of the batch's records alone; each is checked against the root.
 * @throws ChainFileError naming what is wrong
 */
export async function readBatch(file: string): Promise<BatchFile> {
  const next = 'Give the file that ./zklora anchor RUN… --batch FILE wrote.';
  const fail = (problem: string, cause?: unknown): never => {
    throw new ChainFileError(file, problem, next, { cause });
  };
  let parsed: z.output<typeof schema>;
  try {
    parsed = schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    return fail(`it is no batch (${(error as Error).message})`, error);
  }
  const { chainId, registry, owner, root, count, records } = parsed;
  const entries = records.map(({ index, id, attestation, proof }) => {
    const signed = signedRunOf(attestation, `${file}, record ${index}`);
    if (adapterRecordId(signed.attestation) !== id) return fail(`record ${index} has another id than it says`);
    if (!isAddressEqual(signed.attestation.owner, owner)) return fail(`record ${index} is of another owner`);
    if (!inBatch(root, count, index, id, proof)) return fail(`record ${index} is not under the root ${root}`);
    return { index, id, signed, proof };
  });
  return { chainId, registry, owner, root, count, entries };
}
