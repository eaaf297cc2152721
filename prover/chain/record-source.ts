/** Which record of a registry a run folder stands for, after it was anchored. */
import { adapterRecordId, type Hex } from '../../protocol/attestation.ts';
import { toHex } from '../../protocol/bytes.ts';
import { runId, type RunSpec } from '../../protocol/statement.ts';
import { readRunFile } from '../train/run-folder.ts';
import { attestsRun, findAttestation } from './attestation-source.ts';
import { readBatch, type BatchEntry } from './batch-file.ts';
import { meaningOf } from './calls.ts';
import type { SourceRequest } from './command-options.ts';
import { RecordError } from './errors.ts';
import { keptCalls } from './journal.ts';
import { recordOf, type AdapterRecord } from './records.ts';
import { anchorEvents, type Registry } from './registry.ts';

/** A run folder and what its run.json says. */
export interface RunAt {
  readonly folder: string;
  readonly spec: RunSpec;
  /** 0x and 64 hexadecimal digits. */
  readonly runId: Hex;
}

/** @throws RunFolderError */
export async function openRun(folder: string): Promise<RunAt> {
  const { run: spec } = await readRunFile(folder);
  return { folder, spec, runId: `0x${toHex(runId(spec))}` };
}

/** Where to look for a record. */
export interface RecordSource extends SourceRequest {
  /** File of a batch. */
  readonly batch?: string | undefined;
  /** Where to begin in the chain's log. */
  readonly fromBlock?: number | undefined;
}

/** The entry of a run in a batch's file. @throws ChainFileError; RecordError where it isn't there */
export async function batchEntry(file: string, run: RunAt): Promise<BatchEntry> {
  const { entries } = await readBatch(file);
  const entry = entries.find(({ signed }) => attestsRun(signed, run.spec));
  if (entry !== undefined) return entry;
  throw new RecordError(`${file} has no record of the run ${run.folder}`, 'Give the file of the batch that it is in.');
}

/**
 * The record of a run: from where the options say; else from what this machine sent; else from the chain's log.
 * @throws RecordError where there is none, or several
 */
export async function findRecord(registry: Registry, run: RunAt, source: RecordSource): Promise<AdapterRecord> {
  const { worker, attestation, batch, fromBlock } = source;
  if (batch !== undefined) return recordOf((await batchEntry(batch, run)).signed.attestation);
  if (worker !== undefined || attestation !== undefined)
    return recordOf((await findAttestation(source, run.spec)).attestation);
  const kept = await keptRecords(registry, run);
  const found = kept.length > 0 ? kept : await loggedRecords(registry, run, BigInt(fromBlock ?? 0));
  if (found.length === 1) return found[0];
  if (found.length > 1)
    throw new RecordError(
      `${registry.registry} has ${found.length} records of the run ${run.folder}: ${found.map(adapterRecordId).join(', ')}`,
      'Say which by --attestation FILE or --worker URL.',
    );
  throw new RecordError(
    `no record of the run ${run.folder} is known, neither in its folder nor in the log of ${registry.registry}`,
    'Name where it is by --worker URL, --attestation FILE or --batch FILE; or begin earlier with --from-block.',
  );
}

function unique(records: readonly AdapterRecord[]): AdapterRecord[] {
  return [...new Map(records.map((record) => [adapterRecordId(record), recordOf(record)])).values()];
}

async function keptRecords({ chainId, registry }: Registry, run: RunAt): Promise<AdapterRecord[]> {
  const calls = await keptCalls(run.folder, { action: 'anchor', chainId, registry });
  return unique(calls.flatMap((data) => meaningOf(data)?.records ?? []).filter(({ runId }) => runId === run.runId));
}

async function loggedRecords(registry: Registry, run: RunAt, fromBlock: bigint): Promise<AdapterRecord[]> {
  const events = await anchorEvents(registry, { owner: run.spec.owner as Hex, fromBlock });
  return unique(events.map((event) => event.run).filter(({ runId }) => runId === run.runId));
}
