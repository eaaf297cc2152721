/**
 * Files of named 32-bit arrays: checkpoints and rows. They are written whole or not at all (to a temporary file that then
 * takes the name), and end in a digest of all before it.
 *
 * Format: MAGIC, the header's length as u32, the header (JSON: what the file is about, name and length of every array), the
 * arrays, SHA-256. Numbers are little-endian.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { CellMap } from './engine.ts';
import { RunFolderError } from './errors.ts';

const MAGIC = Buffer.from('zklora/cells/1\n');
const DIGEST_BYTES = 32;

const headerSchema = z.strictObject({
  about: z.record(z.string(), z.union([z.string(), z.number()])),
  arrays: z.array(z.tuple([z.string(), z.int().min(0)])),
});

/** What a file says about itself. */
export type About = z.infer<typeof headerSchema>['about'];

/** Whether a file couldn't be read because there is none of its name. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** Writes bytes so that a reader finds the old file or the new one, even after a power cut. */
export async function writeWhole(file: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes arrays. */
export async function writeCells(file: string, about: About, arrays: CellMap): Promise<void> {
  const names = [...arrays].map(([name, values]) => [name, values.length]);
  const header = Buffer.from(JSON.stringify({ about, arrays: names }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const words = [...arrays.values()].map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength));
  const body = Buffer.concat([MAGIC, length, header, ...words]);
  await writeWhole(file, Buffer.concat([body, createHash('sha256').update(body).digest()]));
}

/** Reads arrays back. @throws RunFolderError for a file that is missing, cut short or changed */
export async function readCells(file: string): Promise<{ about: About; arrays: CellMap }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new RunFolderError(file, `cannot be read (${(error as Error).message})`);
  }
  const end = bytes.length - DIGEST_BYTES;
  const start = MAGIC.length + 4;
  if (end < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new RunFolderError(file, 'is no file of cells');
  const body = bytes.subarray(0, end);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(end)))
    throw new RunFolderError(file, 'was changed or cut short: its digest is another');
  const first = start + bytes.readUInt32LE(MAGIC.length);
  const header = headerSchema.parse(JSON.parse(bytes.toString('utf8', start, first)));
  const arrays = new Map<string, Uint32Array>();
  let at = first;
  for (const [name, length] of header.arrays) {
    const copy = Uint8Array.from(body.subarray(at, at + 4 * length));
    arrays.set(name, new Uint32Array(copy.buffer));
    at += 4 * length;
  }
  if (at !== end) throw new RunFolderError(file, 'holds more or less than its header says');
  return { about: header.about, arrays };
}
