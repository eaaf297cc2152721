/** Proof: is there a whole run, proven step by step, that ends at this adapter? Verified here, whoever hands the proofs out. */
import { readFile } from 'node:fs/promises';
import { adapterRecordId, type Hex } from '../../protocol/attestation.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Chain } from '../../protocol/chain.ts';
import { VERIFIER, type VerifiedProof } from '../../protocol/verify.ts';
import type { AdapterRecord } from '../chain/registry.ts';
import { listProofs } from '../proofs/folder.ts';
import type { Provenance } from '../proofs/provenance.ts';
import { rangeText } from '../proofs/ranges.ts';
import { chainDigest, provenRuns } from '../../protocol/proven-runs.ts';
import { judge, type NamedProof } from '../proofs/verify-files.ts';
import { fetchProofBytes } from '../service/client.ts';
import { no, notAsked, yes, type Answer } from './answers.ts';

export interface ProofAnswer {
  readonly answer: Answer;
  /** What attesters sign and registries keep of the run, where it is proven. */
  readonly record: AdapterRecord | null;
}

/** Proofs from a folder, else from the service under the digests that the adapter claims; null where neither has any. */
async function findProofs(
  claim: Provenance,
  folder: string,
  worker: string | null,
): Promise<{ source: string; proofs: NamedProof[] } | null> {
  const files = await listProofs(folder);
  if (files.length > 0) {
    const proofs = await Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })));
    return { source: folder, proofs };
  }
  if (worker === null) return null;
  const proofs: NamedProof[] = [];
  for (const { proofDigest } of claim.segments) {
    const bytes = await fetchProofBytes(worker, proofDigest);
    if (bytes !== null) proofs.push({ name: `proof ${proofDigest}`, bytes });
  }
  return { source: worker, proofs };
}

/**
 * Verifies the proofs of the claimed run.
 *
 * @param root of the file, or null where the file is no adapter of the run
 * @param folder where proof files may be
 * @param worker service that may have them
 */
export async function proof(
  claim: Provenance,
  root: string | null,
  folder: string,
  worker: string | null,
): Promise<ProofAnswer> {
  const found = await findProofs(claim, folder, worker);
  if (found === null)
    return { answer: notAsked(`no proofs are in ${folder}, and no service is named (--worker)`), record: null };
  const verdicts = found.proofs.map(judge);
  const verified = verdicts.flatMap((v) => v.verified ?? []).filter((v) => toHex(v.runId) === claim.runId);
  const refused = verdicts.filter((v) => v.verified === null).map((v) => `${v.name}: ${v.refusal?.message}`);
  const [run] = provenRuns(verified);
  const evidence = { 'proofs from': found.source, run: claim.runId };
  if (run === undefined) return { answer: no(refused[0] ?? 'no proof of this run is there', evidence), record: null };
  const chain = run.report.chains.find((c) => c.adapterRoot === root);
  if (chain !== undefined) {
    const record = recordOf(run.runId, verified[0], chain);
    return { answer: yes({ ...evidence, ...provenEvidence(verified, chain, record) }), record };
  }
  const gaps = run.report.missing.map(rangeText).join(', ');
  const whole = run.report.chains[0];
  const why =
    whole !== undefined
      ? `the run is proven, but it ends at another adapter, ${whole.adapterRoot}`
      : `the proofs do not reach the run’s last step; missing: ${gaps === '' ? 'a chain' : gaps}`;
  const details = refused.length === 0 ? why : `${why}; refused: ${refused.join('; ')}`;
  return { answer: no(details, evidence), record: null };
}

const hex = (digits: string): Hex => `0x${digits}`;

function recordOf(runId: string, { statement }: VerifiedProof, chain: Chain): AdapterRecord {
  const { baseRoot, dataRoot, owner, steps } = statement.run;
  return {
    runId: hex(runId),
    runDigest: hex(chainDigest(runId, chain)),
    adapterRoot: hex(chain.adapterRoot),
    baseRoot: hex(baseRoot),
    dataRoot: hex(dataRoot),
    owner: owner as Hex,
    steps: BigInt(steps),
    verifier: hex(chain.verifier),
  };
}

function provenEvidence(verified: readonly VerifiedProof[], chain: Chain, record: AdapterRecord) {
  const { run } = verified[0].statement;
  const { lora, model } = run;
  const bits = Math.min(...verified.map((v) => v.soundnessBits));
  return {
    statement: `${run.steps} steps of ${run.optimizer.kind} on ${run.dataRows} rows, LoRA rank ${lora.rank} on ${lora.targets.join(', ')}, ${model.layers} layers`,
    segments: chain.segments.length,
    'base root': run.baseRoot,
    'data root': run.dataRoot,
    owner: run.owner,
    'run digest': record.runDigest.slice(2),
    record: adapterRecordId(record),
    soundness: `${bits} bits a segment, ${run.parameters}`,
    verifier: `${VERIFIER.id} ${VERIFIER.version}, run here`,
    'verifier code': VERIFIER.codeHash,
  };
}
