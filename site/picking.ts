/** The files that a reader drops or chooses, folders with everything in them. */
import type { PickedFile } from './messages.ts';

/** Most files that are taken at once. */
export const MOST_FILES = 2000;

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  // A reader hands out some at a time, and nothing at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
    if (all.length > MOST_FILES) return all;
  }
}

async function filesIn(entry: FileSystemEntry, into: PickedFile[]): Promise<void> {
  if (into.length >= MOST_FILES) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    into.push({ path: entry.fullPath.replace(/^\//, ''), file });
  } else if (entry.isDirectory) {
    for (const each of await entriesOf(entry as FileSystemDirectoryEntry)) await filesIn(each, into);
  }
}

/** The files of a drop. */
export async function droppedFiles(data: DataTransfer): Promise<PickedFile[]> {
  // Entries are to be had only until the event ends.
  const items = [...data.items].filter((item) => item.kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry());
  const plain = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory === true)) return plain.map((file) => ({ path: file.name, file }));
  const files: PickedFile[] = [];
  for (const entry of entries) if (entry !== null) await filesIn(entry, files);
  return files;
}

/** The files of an input. */
export function chosenFiles(input: HTMLInputElement): PickedFile[] {
  return [...(input.files ?? [])]
    .slice(0, MOST_FILES)
    .map((file) => ({ path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath, file }));
}
