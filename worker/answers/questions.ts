/** The four questions about an adapter: is the file the committed one, is a whole run proven, attested, anchored? */
import type { Output } from '../../api/client.ts';
import { chainSettings } from '../chain.ts';
import type { Env } from '../env.ts';
import type { Named, ShownFile } from '../store/types.ts';
import type { Anchor } from './status.ts';

export type Answer = Output<'adapter'>['answers']['integrity'];
type Run = Output<'adapter'>['runs'][number];

const yes = (evidence: Answer['evidence']): Answer => ({ answer: 'yes', why: null, evidence });
const no = (why: string, evidence: Answer['evidence'] = {}): Answer => ({ answer: 'no', why, evidence });
const notAsked = (why: string, evidence: Answer['evidence'] = {}): Answer => ({ answer: 'not asked', why, evidence });

/** The time as people and machines read it. @param seconds since 1970 */
const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Is the file the committed adapter? Known of a file alone that somebody showed here. */
export function integrityAnswer(id: string, kind: Named['kind'], files: readonly ShownFile[]): Answer {
  const shown = files.find((file) => (kind === 'file' ? file.file : file.tensors) === id);
  if (kind === 'root' || kind === 'record' || shown === undefined) {
    const what = kind === 'record' ? 'that of a registry’s record' : 'the root of an adapter';
    return notAsked(`the id is ${what}, not the hash of a file: ./zklora check computes a file’s root`);
  }
  const evidence = {
    file: shown.file,
    tensors: shown.tensors,
    'root of the file': shown.adapterRoot,
    shown: time(shown.shownAt),
  };
  if (kind === 'file') return yes(evidence);
  return yes({ ...evidence, note: 'any file with these tensors under these names holds the same weights' });
}

/** Is a whole run proven, step by step, that ends at this adapter? @param runs the weightiest first */
export function proofAnswer(runs: readonly Run[]): Answer {
  const [{ run, runId, steps, owner, baseRoot, dataRoot, final, complete, proofs }] = runs;
  const evidence = { run: runId, 'base root': baseRoot, 'data root': dataRoot, owner };
  if (final === null) {
    const [end] = proofs;
    const where =
      end === undefined
        ? 'no chain of steps leads here'
        : `this is its adapter after step ${end.first + end.steps} of ${steps}`;
    return no(
      `${complete ? 'the run is proven as a whole, but' : 'the run is not proven as a whole, and'} ${where}`,
      evidence,
    );
  }
  const proven = {
    ...evidence,
    steps,
    segments: final.proofs.length,
    'run digest': final.runDigest,
    record: final.record,
    parameters: String(run['parameters']),
    verifier: final.verifier,
    'proven since': time(final.completedAt),
  };
  if (final.withdrawn === null) return yes(proven);
  const { at, reason } = final.withdrawn;
  return no(`the verifier version that verified it was withdrawn: ${reason}`, { ...proven, withdrawn: time(at) });
}

/** Who signed that the run ends at this adapter? @param hasKey whether this service attests at all */
export function attestedAnswer([{ final }]: readonly Run[], hasKey: boolean): Answer {
  if (!hasKey) return notAsked('this service has no key to attest with');
  if (final === null) return no('no whole run ends at this adapter');
  if (final.withdrawn !== null) return no('nobody attests what a withdrawn verifier version verified');
  const [first] = final.attestations;
  return yes({
    attester: final.attestations.map(({ attester }) => attester).join(', '),
    issued: time(Number(first.attestation.issuedAt)),
    'run digest': final.runDigest,
    signature: first.signature,
  });
}

function anchorEvidence(anchor: Anchor): Answer['evidence'] {
  const { chainId, registry, record, attester, anchoredAt, endedAt, successor, parent, readAt } = anchor;
  return {
    chain: chainId,
    registry,
    record,
    ...(attester !== null && { attester }),
    ...(anchoredAt !== null && { anchored: time(anchoredAt) }),
    ...(endedAt !== null && { ended: time(endedAt) }),
    ...(successor !== null && { successor }),
    ...(parent !== null && { parent }),
    'chain read': time(readAt),
  };
}

/**
 * Does a registry on a chain hold the record?
 * @param anchor the most telling of the adapter's records, or null
 * @param failed why the chain could not be read
 * @param hasRecord whether there is a record to look up
 * @throws SettingError
 */
export function anchoredAnswer(anchor: Anchor | null, failed: string | null, hasRecord: boolean, env: Env): Answer {
  if (chainSettings(env) === null) return notAsked('this service reads no registry');
  if (!hasRecord) return no('no whole run ends at this adapter, so that there is no record to anchor');
  if (anchor === null) return notAsked(failed ?? 'the chain did not answer');
  const evidence = { ...anchorEvidence(anchor), ...(failed !== null && { 'not read again': failed }) };
  switch (anchor.status) {
    case 'anchored':
      return yes(evidence);
    case 'superseded':
      return no('its owner put another record in its place', evidence);
    case 'revoked':
      return no('its owner revoked it', evidence);
    case 'unknown':
      return no('the registry does not hold its record', evidence);
  }
}
