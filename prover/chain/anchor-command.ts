/** `./zklora anchor`. */
import type { Address, Hex } from 'viem';
import type { RunAttestation, Signed } from '../../protocol/attestation.ts';
import { toHex } from '../../protocol/bytes.ts';
import { runId, type RunSpec } from '../../protocol/statement.ts';
import { ProverError } from '../errors.ts';
import { NotAttestedError } from '../proofs/errors.ts';
import { rangeText } from '../proofs/ranges.ts';
import { fetchRun } from '../service/client.ts';
import { readRunFile } from '../train/run-folder.ts';
import type { Sender } from './connection.ts';
import { anchorAdapter, type AnchorReceipt } from './registry.ts';

export interface AnchorRequest {
  readonly worker: string;
  readonly rpc: string;
  readonly registry: Address;
  readonly chainId?: number;
  readonly account?: Address;
  readonly json: boolean;
}

/**
 * The service's attestation of a whole run; its signature is the attester's.
 *
 * @throws NotAttestedError when the run is not complete there, nobody attests, or what is attested is another run
 */
export async function attestationOf(worker: string, spec: RunSpec): Promise<Signed<RunAttestation>> {
  const id = toHex(runId(spec));
  const answer = await fetchRun(worker, id);
  const fail = (problem: string, next: string): never => {
    throw new NotAttestedError(id, problem, next);
  };
  if (answer === null) return fail(`${worker} knows no proof of it`, 'Submit its proofs: ./zklora submit RUN --to URL');
  if (answer.final === null) {
    const gaps = answer.missing.map(rangeText).join(', ');
    return fail(
      `it is not complete at ${worker}; missing: ${gaps}`,
      'Submit the missing segments: ./zklora submit RUN --to URL',
    );
  }
  const { attestation } = answer.final;
  if (attestation === null) return fail(`${worker} attests nothing`, 'Submit the proofs to a service that has a key.');
  const { runId: attested, baseRoot, dataRoot, owner, steps } = attestation.attestation;
  const same =
    attested === `0x${id}` &&
    baseRoot === `0x${spec.baseRoot}` &&
    dataRoot === `0x${spec.dataRoot}` &&
    owner.toLowerCase() === spec.owner &&
    steps === BigInt(spec.steps);
  if (!same) return fail(`${worker} attests another run under its id`, 'Ask the operator of the service.');
  return attestation;
}

/** Anchors a run's attestation. @throws NotAttestedError, and the errors of service and chain */
export async function anchorRun(
  spec: RunSpec,
  { worker, rpc, registry, chainId }: Omit<AnchorRequest, 'json' | 'account'>,
  sender: Sender,
): Promise<AnchorReceipt & { readonly attester: Address }> {
  const { attestation: record, attester, signature } = await attestationOf(worker, spec);
  const receipt = await anchorAdapter({ rpcUrl: rpc, registry, chainId, sender, record, attester, signature });
  return { ...receipt, attester };
}

/** Anchors a run of a folder and prints the receipt. */
export async function anchorCommand(folder: string, request: AnchorRequest): Promise<void> {
  const { run } = await readRunFile(folder);
  const receipt = await anchorRun(run, request, senderOf(request));
  const { id, chainId, registry, hash, blockNumber, gasUsed, attester } = receipt;
  if (request.json) {
    const numbers = { blockNumber: Number(blockNumber), gasUsed: Number(gasUsed) };
    process.stdout.write(`${JSON.stringify({ id, chainId, registry, hash, attester, ...numbers })}\n`);
    return;
  }
  process.stdout.write(`anchored on chain ${chainId}, registry ${registry}, block ${blockNumber}\n`);
  process.stdout.write(`record ${id}\ntransaction ${hash}, ${gasUsed} gas\n`);
}

/** Nobody was named who sends the transaction. */
class NoSenderError extends ProverError {
  constructor(problem: string) {
    super(
      problem,
      'Set ZKLORA_PRIVATE_KEY to the key of the run’s owner, or name an account of the node by --account.',
    );
  }
}

function senderOf({ account }: AnchorRequest): Sender {
  if (account !== undefined) return { account };
  const privateKey = process.env['ZKLORA_PRIVATE_KEY'];
  if (privateKey === undefined) throw new NoSenderError('nobody is named who sends the transaction');
  if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey))
    throw new NoSenderError('ZKLORA_PRIVATE_KEY is no private key: 0x and 64 hexadecimal digits');
  return { privateKey: privateKey as Hex };
}
