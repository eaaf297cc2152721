/** zklora.json in an adapter directory: which run the adapter claims to come from, and the proofs of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { isMissing, writeWhole } from '../train/cell-file.ts';
import { ProvenanceError } from './errors.ts';

/** The file in an adapter directory. */
export const PROVENANCE = 'zklora.json';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const schema = z.strictObject({
  format: z.literal(1),
  run: z.unknown().transform((json): RunSpec => parseRun(json)),
  runId: digest,
  /** Root of the adapter after the run's last step. */
  adapterRoot: digest,
  segments: z.array(
    z.strictObject({ first: z.int().min(0), steps: z.int().min(1), statementHash: digest, proofDigest: digest }),
  ),
});

/** What an adapter claims about itself; nothing of it is trusted before it is checked. */
export type Provenance = z.output<typeof schema>;

export async function writeProvenance(adapter: string, provenance: Provenance): Promise<void> {
  await writeWhole(join(adapter, PROVENANCE), `${JSON.stringify(provenance, null, 2)}\n`);
}

/** @throws ProvenanceError when the file is missing or malformed */
export async function readProvenance(adapter: string): Promise<Provenance> {
  const file = join(adapter, PROVENANCE);
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new ProvenanceError(file, isMissing(error) ? 'is not there' : `cannot be used (${(error as Error).message})`);
  }
}
