/** The proofs of a run on the disk: RUN/proofs/segment-<first step>-<steps>.zklora. */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeWhole } from '../train/cell-file.ts';
import type { SegmentRange } from './ranges.ts';

const NAME = /^segment-(\d{8,})-(\d+)\.zklora$/;

/** Folder of a run's proofs. */
export const proofFolder = (run: string): string => join(run, 'proofs');

/** File of a segment's proof. */
export function proofFile(folder: string, { first, steps }: SegmentRange): string {
  return join(folder, `segment-${String(first).padStart(8, '0')}-${steps}.zklora`);
}

/** The steps that a proof file's name says. */
function rangeOf(file: string): SegmentRange {
  const match = NAME.exec(basename(file));
  return { first: Number(match?.[1]), steps: Number(match?.[2]) };
}

/** Proof files of a folder by their first step; none where there is no folder. */
export async function listProofs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => NAME.test(name)).map((name) => join(folder, name));
  return files.sort((a, b) => rangeOf(a).first - rangeOf(b).first || rangeOf(a).steps - rangeOf(b).steps);
}

/** Writes a proof whole or not at all. @returns its file */
export async function writeProof(folder: string, range: SegmentRange, bytes: Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = proofFile(folder, range);
  await writeWhole(file, bytes);
  return file;
}

/** Bytes of a file, or null where there is none. */
export async function readIfThere(file: string): Promise<Uint8Array | null> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
