/** `./zklora anchor`: one run, a batch, or another's run by its owner's consent. */
import type { Address } from 'viem';

import type { RunSpec } from '../../protocol/statement.ts';
import { anchorAdapter, type AnchorReceipt } from './anchor.ts';
import { attestationOf, findAttestation } from './attestation-source.ts';
import { batchCommand } from './batch-command.ts';
import { anchorCall, attestCall } from './calls.ts';
import type { ChainRequest, SourceRequest } from './command-options.ts';
import type { Sender } from './connection.ts';
import { consentCommand, relayCommand } from './consent-command.ts';
import { RequestError } from './errors.ts';
import { openRun } from './record-source.ts';
import { registryGiven } from './requests.ts';
import { runCall } from './run-call.ts';

export interface AnchorRequest extends ChainRequest, SourceRequest {
  /** File to write a batch to. */
  readonly batch?: string;
  /** File to write the owner's consent to. */
  readonly consent?: string;
  /** Hours for which a consent holds. */
  readonly hours: number;
  /** File of an owner's consent. */
  readonly for?: string;
  /** Bring a further attestation. */
  readonly attest: boolean;
}

/** Anchors a run by a service's attestation. @throws NotAttestedError, and the errors of service and chain */
export async function anchorRun(
  spec: RunSpec,
  request: { readonly worker: string; readonly rpc: string; readonly registry: Address; readonly chainId?: number },
  sender: Sender,
): Promise<AnchorReceipt & { readonly attester: Address }> {
  const { worker, rpc: rpcUrl, registry, chainId } = request;
  const { attestation: record, attester, signature } = await attestationOf(worker, spec);
  const receipt = await anchorAdapter({ rpcUrl, registry, chainId, sender, record, attester, signature });
  return { ...receipt, attester };
}

/** Does what the options ask for and prints the receipt. */
export async function anchorCommand(folders: readonly string[], request: AnchorRequest): Promise<void> {
  const modes = [request.batch, request.consent, request.for, request.attest || undefined].filter(
    (m) => m !== undefined,
  );
  if (modes.length > 1)
    throw new RequestError('--batch, --consent, --for and --attest contradict each other', 'Give one of them.');
  if (request.for !== undefined) {
    if (folders.length > 0)
      throw new RequestError('with --for no run is named: the consent names it', 'Leave the folder out.');
    return relayCommand(request.for, request);
  }
  if (request.batch !== undefined) return batchCommand(folders, { ...request, batch: request.batch });
  const [folder] = folders;
  if (folder === undefined || folders.length > 1)
    throw new RequestError(
      folder === undefined ? 'no run is named' : 'more than one run is named',
      'Give the folder of one run, or --batch FILE to anchor several at once.',
    );
  if (request.consent !== undefined) return consentCommand(folder, { ...request, consent: request.consent });
  return singleCommand(folder, request);
}

async function singleCommand(folder: string, request: AnchorRequest): Promise<void> {
  const at = await registryGiven(request);
  const run = await openRun(folder);
  const action = request.attest ? 'attest' : 'anchor';
  await runCall(request, at, { action, about: run.runId, folder }, async ({ registry }) => {
    const signed = await findAttestation(request, run.spec);
    return request.attest ? attestCall(registry, signed) : anchorCall(registry, signed);
  });
}
