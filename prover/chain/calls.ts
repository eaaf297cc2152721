/** Every call that changes a registry, typed and encoded; and what encoded data means, in words. */
import { decodeFunctionData, encodeFunctionData, zeroHash, type Address, type Hex } from 'viem';

import { adapterRecordId, type RunAttestation, type Signed } from '../../protocol/attestation.ts';
import { REGISTRY_ABI } from './abi.ts';
import { attestationArgument, isoTime, recordOf, type AdapterRecord } from './records.ts';

export type Action = 'anchor' | 'anchorFor' | 'attest' | 'revoke' | 'supersede' | 'anchorBatch' | 'cancelConsents';

/** A call of a registry. It carries no value. */
export interface RegistryCall {
  readonly registry: Address;
  readonly data: Hex;
  /** Who alone may send it; null: anybody. */
  readonly sender: Address | null;
}

/** An owner's consent to have a record anchored by another, see `consent.ts`. */
export interface OwnerConsent {
  readonly nonce: bigint;
  /** Last block time at which it is valid, in seconds since 1970. */
  readonly deadline: bigint;
  readonly signature: Hex;
}

const encode = encodeFunctionData<typeof REGISTRY_ABI, Action>;

/** Anchors a record with an attestation of it; sent by its owner. */
export function anchorCall(registry: Address, signed: Signed<RunAttestation>): RegistryCall {
  const args = [recordOf(signed.attestation), attestationArgument(signed)] as const;
  const data = encode({ abi: REGISTRY_ABI, functionName: 'anchor', args });
  return { registry, data, sender: signed.attestation.owner };
}

/** Anchors another's record by the owner's consent. */
export function anchorForCall(registry: Address, signed: Signed<RunAttestation>, consent: OwnerConsent): RegistryCall {
  const args = [recordOf(signed.attestation), attestationArgument(signed), consent] as const;
  return { registry, data: encode({ abi: REGISTRY_ABI, functionName: 'anchorFor', args }), sender: null };
}

/** Records a further attestation of an anchored record. */
export function attestCall(registry: Address, signed: Signed<RunAttestation>): RegistryCall {
  const args = [recordOf(signed.attestation), attestationArgument(signed)] as const;
  return { registry, data: encode({ abi: REGISTRY_ABI, functionName: 'attest', args }), sender: null };
}

/** Revokes a record for ever; sent by its owner. */
export function revokeCall(registry: Address, record: AdapterRecord): RegistryCall {
  const data = encode({ abi: REGISTRY_ABI, functionName: 'revoke', args: [recordOf(record)] });
  return { registry, data, sender: record.owner };
}

/** Marks a record as superseded by a newer one; sent by the owner of both. */
export function supersedeCall(registry: Address, older: AdapterRecord, newer: AdapterRecord): RegistryCall {
  const args = [recordOf(older), recordOf(newer)] as const;
  return { registry, data: encode({ abi: REGISTRY_ABI, functionName: 'supersede', args }), sender: older.owner };
}

/** Anchors many records of one owner, see `batch.ts`. @param count number of records, 1 to 2^32 - 1 */
export function anchorBatchCall(registry: Address, owner: Address, root: Hex, count: number): RegistryCall {
  const data = encode({ abi: REGISTRY_ABI, functionName: 'anchorBatch', args: [root, count] });
  return { registry, data, sender: owner };
}

/** Makes void every consent of an owner that is not yet used. */
export function cancelConsentsCall(registry: Address, owner: Address): RegistryCall {
  return { registry, data: encode({ abi: REGISTRY_ABI, functionName: 'cancelConsents' }), sender: owner };
}

/** What a call does. */
export interface CallMeaning {
  readonly action: Action;
  /** What it is about: record ids, a batch's root, or nothing. */
  readonly ids: readonly Hex[];
  /** Runs that it is about. */
  readonly runIds: readonly Hex[];
  /** Records in it. */
  readonly records: readonly AdapterRecord[];
  /** Whose attestation it carries. */
  readonly attester: Address | null;
  /** Name and value, for a person who is to sign it. */
  readonly facts: readonly (readonly [string, string])[];
}

function recordFacts(name: string, record: AdapterRecord): [string, string][] {
  return [
    [name, adapterRecordId(record)],
    ['  run', record.runId],
    ['  adapter root', record.adapterRoot],
    ['  base root', record.baseRoot],
    ['  data root', record.dataRoot],
    ['  steps', String(record.steps)],
    ['  owner', record.owner],
  ];
}

/**
 * Reads a call's data back.
 * @returns undefined where it is no call of the registry that changes something, or not encoded as this program does
 */
export function meaningOf(data: Hex): CallMeaning | undefined {
  let call: ReturnType<typeof decodeFunctionData<typeof REGISTRY_ABI>>;
  try {
    call = decodeFunctionData({ abi: REGISTRY_ABI, data });
    // Data has one meaning here: no bytes behind it, no arguments in other places.
    if (encodeFunctionData({ abi: REGISTRY_ABI, ...call }) !== data.toLowerCase()) return undefined;
  } catch {
    return undefined;
  }
  const none = { ids: [], runIds: [], records: [], attester: null, facts: [] };
  const about = (records: readonly AdapterRecord[], names: readonly string[]) => ({
    records,
    ids: records.map(adapterRecordId),
    runIds: records.map(({ runId }) => runId),
    facts: records.flatMap((record, i) => recordFacts(names[i], record)),
  });
  switch (call.functionName) {
    case 'anchor':
    case 'attest':
    case 'anchorFor': {
      const [record, { attester, issuedAt }, consent] = call.args;
      const base = about([record], ['record']);
      const facts: [string, string][] = [...base.facts, ['attested by', `${attester} on ${isoTime(issuedAt)}`]];
      if (consent !== undefined)
        facts.push(['consent', `of ${record.owner}, nonce ${consent.nonce}, until ${isoTime(consent.deadline)}`]);
      return { ...none, ...base, action: call.functionName, attester, facts };
    }
    case 'revoke':
      return { ...none, ...about(call.args, ['record']), action: 'revoke' };
    case 'supersede':
      return { ...none, ...about(call.args, ['older record', 'newer record']), action: 'supersede' };
    case 'anchorBatch': {
      const [root, count] = call.args;
      return {
        ...none,
        action: 'anchorBatch',
        ids: [root],
        facts: [
          ['batch root', root],
          ['records', String(count)],
        ],
      };
    }
    case 'cancelConsents':
      return { ...none, action: 'cancelConsents' };
    default:
      return undefined;
  }
}

/** What each call does, as a heading. */
export const ACTION_WORDS: Readonly<Record<Action, string>> = {
  anchor: 'anchor an adapter’s record',
  anchorFor: 'anchor another’s record by the owner’s consent',
  attest: 'record a further attestation of an anchored record',
  revoke: 'revoke a record for ever',
  supersede: 'mark a record as superseded by another',
  anchorBatch: 'anchor a batch of records by its root',
  cancelConsents: 'make void the consents that are not yet used',
};

/** Whether an id names something: the contract's links are zero where there is none. */
export function linked(id: Hex): Hex | undefined {
  return id === zeroHash ? undefined : id;
}
