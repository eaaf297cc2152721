/** What dropped files are, by their content. */
import { z } from 'zod';

import { isMagic } from '../../protocol/instance.ts';
import { toHex } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { runId as runIdOf, type RunSpec } from '../../protocol/statement.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { PickedFile } from '../messages.ts';

/** `claim`: the zklora.json beside an adapter; `foreign`: nothing that can be checked. */
export type FileKind = 'proof' | 'adapter' | 'claim' | 'foreign';

/** Longest file that is read into memory here, bytes. */
export const MOST_BYTES = 2 ** 31 - 1;
const MOST_CLAIM_BYTES = 2 ** 24;

/** The folder of a path inside what was dropped; empty for a file alone. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Looks at name and first bytes. */
export async function kindOf({ path, file }: PickedFile): Promise<FileKind> {
  const front = new Uint8Array(await file.slice(0, 9).arrayBuffer());
  if (front.length >= 4 && isMagic(front)) return 'proof';
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (name === 'zklora.json') return 'claim';
  if (name.endsWith('.zklora')) return 'proof';
  if (name.endsWith('.safetensors')) return 'adapter';
  if (front.length < 9 || front[8] !== 0x7b) return 'foreign';
  const header = new DataView(front.buffer).getBigUint64(0, true);
  return header > 0n && header < BigInt(file.size) ? 'adapter' : 'foreign';
}

/** What an adapter claims about itself; nothing of it is believed before it is checked. */
export interface Claim {
  /** Where the file lies. */
  readonly folder: string;
  readonly runId: string;
  readonly run: RunSpec;
  readonly adapterRoot: string;
}

const schema = z.object({
  format: z.literal(1),
  run: z.unknown(),
  runId: z.string(),
  adapterRoot: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Reads a zklora.json; a text says why it cannot be used. */
export async function readClaim({ path, file }: PickedFile): Promise<Claim | string> {
  if (file.size > MOST_CLAIM_BYTES) return 'It is too long for a zklora.json.';
  try {
    const claim = schema.parse(JSON.parse(await file.text()));
    const run = parseRun(claim.run);
    if (toHex(runIdOf(run)) !== claim.runId) return 'Its run has another id than it says.';
    return { folder: folderOf(path), runId: claim.runId, run, adapterRoot: claim.adapterRoot };
  } catch (error) {
    if (error instanceof z.ZodError) return `It lacks what a zklora.json has: ${error.issues[0].path.join('.')}.`;
    if (error instanceof ProtocolError || error instanceof RangeError) return `Its run is malformed: ${error.message}`;
    if (error instanceof SyntaxError) return 'It is no JSON.';
    throw error;
  }
}
