/** The status of many adapters at once: POST /adapters/lookup, and of one for GET /badge/{id}.svg. */
import type { Output } from '../../api/client.ts';
import type { Hex } from '../../protocol/attestation.ts';
import type { Env } from '../env.ts';
import { Store } from '../store/store.ts';
import type { LookupRow } from '../store/types.ts';
import { lookRecordsUp, statusOf, type RunRecord } from './status.ts';

export type LookupAnswer = Output<'lookup'>;

/** The record that a row is about, where its id names one. */
const askedIn = ({ named }: LookupRow): Hex | null => (named?.kind === 'record' ? named.record : null);

const recordsOf = ({ completions }: LookupRow): RunRecord[] =>
  completions.map(({ record, owner, withdrawn }) => ({ record, owner, counts: withdrawn === null }));

/**
 * What is known of each id, in their order; `runId` and `record` are of the run that counts, where one does.
 * @throws SettingError
 */
export async function lookupAnswer(ids: readonly string[], env: Env): Promise<LookupAnswer> {
  const rows = await new Store(env).statuses(ids);
  const anchors = await lookRecordsUp(env, rows.flatMap(recordsOf));
  return {
    answers: rows.map((row) => {
      const [first] = row.completions;
      return {
        id: row.id,
        status: statusOf(recordsOf(row), anchors, askedIn(row)),
        kind: row.named?.kind ?? null,
        adapterRoot: row.named?.adapterRoot ?? null,
        runId: first?.runId ?? null,
        record: first?.record ?? null,
      };
    }),
  };
}
