/** Files written whole or not at all, by default for their owner's eyes alone. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Reads and writes for the owner of the file, nothing for others. */
const PRIVATE = 0o600;
/** Anybody may read. */
export const PUBLIC = 0o644;

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

/** Makes names in a folder outlive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file in place of what was there; makes its folder. */
export async function replaceFile(file: string, text: string, mode = PRIVATE): Promise<void> {
  const temporary = await writeBeside(file, text, mode);
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Writes a file where there is none; makes its folder. @returns false where there is one already, which stays as it is */
export async function createFile(file: string, text: string, mode = PRIVATE): Promise<boolean> {
  const temporary = await writeBeside(file, text, mode);
  try {
    // Unlike a rename, a link never takes another's place.
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary);
  }
  await syncFolder(dirname(file));
  return true;
}
