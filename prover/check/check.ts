/** Is this adapter the committed, proven, attested, anchored one? */
import { join } from 'node:path';
import type { Hex } from '../../protocol/attestation.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { runId as runIdOf } from '../../protocol/statement.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Backend } from '../backend/backend.ts';
import { ProvenanceError } from '../proofs/errors.ts';
import { PROVENANCE, readProvenance, type Provenance } from '../proofs/provenance.ts';
import { no, notAsked, yes, type Answer, type Answers } from './answers.ts';
import { anchored, countAttestations, type Registry } from './anchored.ts';
import { attested, attestedInBatch, expectedRecord, signaturesOf } from './attested.ts';
import { integrity } from './integrity.ts';
import { proof } from './proof.ts';
import { countVoices, isQuorum, voicesOf, type Count, type FoundSignature, type Quorum, type Trust } from './quorum.ts';

export interface CheckSources {
  /** PEFT directory with zklora.json. */
  readonly adapter: string;
  /** Folder of proof files; null: `proofs` beside the adapter. */
  readonly proofs: string | null;
  /** Service that attests, and hands proofs out where there are no files. */
  readonly worker: string | null;
  /** The only attester that counts; null: any; or how many of which. A set needs a registry. */
  readonly attester: Trust;
  readonly registry: Registry | null;
}

/**
 * Answers the four questions. All answers are about the file as it is: of other weights, nothing is proven.
 *
 * @throws ProvenanceError without a usable zklora.json; the errors of service and chain when they do not answer
 */
export async function checkAdapter(backend: Backend, sources: CheckSources): Promise<Answers> {
  const claim = await readClaim(sources.adapter);
  const { answer, root } = await integrity(backend, sources.adapter, claim);
  const folder = sources.proofs ?? join(sources.adapter, '..', 'proofs');
  const proven = await proof(claim, root, folder, sources.worker);
  const answers = { integrity: answer, proof: proven.answer };
  if (root === null) {
    const other = (asked: unknown): Answer =>
      asked === null ? notAsked('nobody is named') : no('the file is no adapter of the run');
    return {
      ...answers,
      attested: other(isQuorum(sources.attester) ? (sources.worker ?? sources.registry) : sources.worker),
      anchored: other(sources.registry),
    };
  }
  const expected = expectedRecord(claim.run, claim.runId, root, proven.record);
  const target = { ...expected, runId: `0x${claim.runId}`, adapterRoot: `0x${root}` } as const;
  const { worker, attester, registry } = sources;
  const signatures = isQuorum(attester) ? await signaturesOf(worker, registry?.batch, target) : [];
  return {
    ...answers,
    attested: isQuorum(attester)
      ? await attestedByQuorum(sources, target, attester, signatures)
      : await attestedByOne(sources, target, attester),
    anchored:
      registry === null
        ? notAsked('no chain is named (--rpc and --registry)')
        : await anchored(registry, target, attester, signatures),
  };
}

type Target = Parameters<typeof attested>[1];

async function attestedByOne(
  { worker, registry }: CheckSources,
  target: Target,
  attester: Hex | null,
): Promise<Answer> {
  if (worker !== null) return attested(worker, target, attester);
  if (registry?.batch !== undefined) return attestedInBatch(registry.batch, target, attester);
  return notAsked('no service is named (--worker)');
}

async function attestedByQuorum(
  { worker, registry }: CheckSources,
  target: Target,
  quorum: Quorum,
  signatures: readonly FoundSignature[],
): Promise<Answer> {
  const count = async (): Promise<Count | null> => {
    if (registry !== null) return countAttestations(registry, target, quorum, signatures);
    return worker === null || 'set' in quorum ? null : countVoices(quorum, voicesOf(signatures));
  };
  const counted = await count();
  if (counted === null) return notAsked('nobody is named who could tell (--worker, or --rpc and --registry)');
  return counted.reached ? yes(counted.evidence) : no(counted.why, counted.evidence);
}

async function readClaim(adapter: string): Promise<Provenance> {
  const file = join(adapter, PROVENANCE);
  const claim = await readProvenance(adapter);
  try {
    if (toHex(runIdOf(claim.run)) === claim.runId) return claim;
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error;
    throw new ProvenanceError(file, error.message);
  }
  throw new ProvenanceError(file, 'its run has another id');
}
