/** `./zklora anchor RUN… --batch FILE`: several runs of one owner in one transaction. */
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';

import { attestsRun, findAttestation } from './attestation-source.ts';
import { makeBatch, readBatch, writeBatch, type BatchFile } from './batch-file.ts';
import { anchorBatchCall } from './calls.ts';
import type { ChainRequest, SourceRequest } from './command-options.ts';
import { BatchError } from './errors.ts';
import { openRun, type RunAt } from './record-source.ts';
import { openRegistry, readStatus, type Registry, type RegistryOptions } from './registry.ts';
import { registryGiven } from './requests.ts';
import { registryOfFile, runCall, tell } from './run-call.ts';

export interface BatchRequest extends ChainRequest, SourceRequest {
  /** Where the batch is written to, before anything is sent: without it the root alone is of no use. */
  readonly batch: string;
}

/** Anchors runs as a batch, or goes on with the batch that the file holds. @throws BatchError, ChainFileError, and as `runCall` */
export async function batchCommand(folders: readonly string[], request: BatchRequest): Promise<void> {
  const at = await registryGiven(request);
  const runs = await Promise.all(folders.map(openRun));
  const batch = (await exists(request.batch)) ? await sameBatch(at, runs, request) : await newBatch(at, runs, request);
  const { root, owner, count } = batch;
  const subject = { action: 'anchorBatch', about: root, folder: dirname(request.batch) } as const;
  await runCall(request, at, subject, async (registry) => {
    await refuseEnded(registry, batch);
    return anchorBatchCall(registry.registry, owner, root, count);
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The batch in the file, if it is of these runs in this order; with no runs named, whatever it is of. */
async function sameBatch(at: RegistryOptions, runs: readonly RunAt[], request: BatchRequest): Promise<BatchFile> {
  const batch = await readBatch(request.batch);
  registryOfFile(request.batch, batch, at);
  const { entries } = batch;
  const same = entries.length === runs.length && runs.every(({ spec }, i) => attestsRun(entries[i].signed, spec));
  if (runs.length > 0 && !same)
    throw new BatchError(
      `${request.batch} holds a batch of other runs, or in another order`,
      'Choose another file: this one is needed to prove what is in its batch.',
    );
  return batch;
}

async function newBatch(at: RegistryOptions, runs: readonly RunAt[], request: BatchRequest): Promise<BatchFile> {
  if (runs.length === 0) throw new BatchError('no runs are named', 'Give the folders of the runs.');
  const found = await openRegistry(at);
  const signed = [];
  for (const { spec } of runs) signed.push(await findAttestation(request, spec));
  const batch = makeBatch(found, signed);
  await refuseEnded(found, batch);
  if (!(await writeBatch(request.batch, batch)))
    throw new BatchError(`${request.batch} was written by another process meanwhile`, 'Run the command again.');
  tell(`batch of ${batch.count} written to ${request.batch}: keep it, readers need it`);
  return batch;
}

/** A record that is superseded or revoked counts in no batch. */
async function refuseEnded(registry: Registry, { entries }: BatchFile): Promise<void> {
  for (const { id, signed } of entries) {
    const { status } = await readStatus(registry, id);
    if (status === 'superseded' || status === 'revoked')
      throw new BatchError(
        `record ${id} of run ${signed.attestation.runId} is ${status}: in a batch it would count for nothing`,
        'Leave that run out.',
      );
  }
}
