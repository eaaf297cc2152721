/** `./zklora revoke` and `./zklora supersede`: what an owner says of a record later. */
import type { Address } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { cancelConsentsCall, revokeCall, supersedeCall } from './calls.ts';
import type { ChainRequest } from './command-options.ts';
import { RecordError } from './errors.ts';
import { findRecord, openRun, type RecordSource } from './record-source.ts';
import { readStatus } from './registry.ts';
import { registryGiven } from './requests.ts';
import { runCall } from './run-call.ts';

export interface RevokeRequest extends ChainRequest, RecordSource {
  /** Revoke a record although it is not anchored by itself. */
  readonly unanchored: boolean;
  /** Not the record, but the owner's consents that are not yet used. */
  readonly consents: boolean;
}

/** Revokes the record of a run for ever, or cancels its owner's consents. @throws RecordError, and as `runCall` */
export async function revokeCommand(folder: string, request: RevokeRequest): Promise<void> {
  const at = await registryGiven(request);
  const run = await openRun(folder);
  if (request.consents) {
    const owner = run.spec.owner as Address;
    const subject = { action: 'cancelConsents', about: owner, folder } as const;
    return runCall(request, at, subject, async ({ registry }) => cancelConsentsCall(registry, owner));
  }
  const meant = request.unanchored || request.batch !== undefined;
  await runCall(request, at, { action: 'revoke', about: run.runId, folder }, async (registry) => {
    const record = await findRecord(registry, run, request);
    const id = adapterRecordId(record);
    if (!meant && (await readStatus(registry, id)).status === 'unknown')
      throw new RecordError(
        `record ${id} is not anchored in ${registry.registry}`,
        'If it is in a batch, give its file by --batch. To revoke it all the same, so that it can never be anchored, add --unanchored.',
      );
    return revokeCall(registry.registry, record);
  });
}

/** Marks the record of one run as superseded by another's. @throws RecordError, and as `runCall` */
export async function supersedeCommand(
  olderFolder: string,
  newerFolder: string,
  request: ChainRequest & RecordSource,
): Promise<void> {
  const at = await registryGiven(request);
  const [older, newer] = [await openRun(olderFolder), await openRun(newerFolder)];
  const about = `${older.runId}-${newer.runId}`;
  const subject = { action: 'supersede', about, folder: olderFolder } as const;
  const { batch, ...newerSource } = request;
  await runCall(request, at, subject, async (registry) => {
    const from = await findRecord(registry, older, request);
    // A batch's file is of the older: the newer must be anchored by itself.
    const to = await findRecord(registry, newer, batch === undefined ? request : newerSource);
    return supersedeCall(registry.registry, from, to);
  });
}
