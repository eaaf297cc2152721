/** Tensors on disk: one safetensors file, or shards with an index, read one tensor at a time. */
import { open, readFile, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TensorFileError } from '../../commitment/errors.ts';
import { PREFIX_BYTES, decodeTensor, headerLength, parseHeader } from '../../commitment/safetensors.ts';
import type { TensorEntry } from '../../commitment/safetensors.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

interface Located {
  entry: TensorEntry;
  file: string;
  handle: FileHandle;
}

/** The named tensors of one model or adapter. Close it when done. */
export class TensorFiles {
  /** The file, or the index, that was opened. */
  readonly path: string;
  private readonly located: Map<string, Located>;
  private readonly handles: FileHandle[];

  private constructor(path: string, located: Map<string, Located>, handles: FileHandle[]) {
    this.path = path;
    this.located = located;
    this.handles = handles;
  }

  /**
   * Opens one safetensors file and checks its header.
   *
   * @throws TensorFileError when it is missing or malformed
   */
  static async openFile(path: string): Promise<TensorFiles> {
    return TensorFiles.openAll(path, [path]);
  }

  /**
   * Opens a Hugging Face model's weights: model.safetensors, or the shards of model.safetensors.index.json.
   *
   * @param directory of the model
   * @throws TensorFileError when there are none, or a file is malformed or disagrees with the index
   */
  static async openModel(directory: string): Promise<TensorFiles> {
    const single = join(directory, SINGLE_FILE);
    if (await exists(single)) return TensorFiles.openFile(single);
    const index = join(directory, INDEX_FILE);
    if (!(await exists(index))) {
      throw new TensorFileError(
        directory,
        `has neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
        'Give the directory of a Hugging Face model with weights in safetensors format.',
      );
    }
    const weightMap = await readIndex(index);
    const shards = [...new Set(Object.values(weightMap))].sort();
    const files = await TensorFiles.openAll(
      index,
      shards.map((shard) => join(dirname(index), shard)),
    );
    try {
      files.checkAgainst(weightMap);
    } catch (error) {
      await files.close();
      throw error;
    }
    return files;
  }

  private static async openAll(path: string, files: readonly string[]): Promise<TensorFiles> {
    const located = new Map<string, Located>();
    const handles: FileHandle[] = [];
    try {
      for (const file of files) {
        const handle = await openForReading(file);
        handles.push(handle);
        for (const entry of await readEntries(handle, file)) {
          const other = located.get(entry.name);
          if (other) throw new TensorFileError(file, `${entry.name} is also in ${other.file}`);
          located.set(entry.name, { entry, file, handle });
        }
      }
    } catch (error) {
      await Promise.all(handles.map((handle) => handle.close()));
      throw error;
    }
    return new TensorFiles(path, located, handles);
  }

  /** All tensors' names, in no particular order. */
  names(): string[] {
    return [...this.located.keys()];
  }

  has(name: string): boolean {
    return this.located.has(name);
  }

  /**
   * Reads one tensor as float32, converted exactly from F32, F16 or BF16.
   *
   * @param name the tensor's
   * @param shape which it must have
   * @returns its values, row-major
   * @throws TensorFileError when it is missing, or has another shape or an unsupported type
   */
  async read(name: string, shape: readonly number[]): Promise<Float32Array> {
    const found = this.located.get(name);
    if (!found) throw new TensorFileError(this.path, `has no tensor ${name}`);
    const { entry, file, handle } = found;
    if (entry.shape.length !== shape.length || entry.shape.some((size, axis) => size !== shape[axis])) {
      throw new TensorFileError(
        file,
        `${name} has shape [${entry.shape.join(', ')}], expected [${shape.join(', ')}]`,
        'Check that config.json and the weights belong together.',
      );
    }
    return decodeTensor(await readRange(handle, entry.begin, entry.end, file), entry, file);
  }

  /** Closes every file; no tensor can be read after it. */
  async close(): Promise<void> {
    await Promise.all(this.handles.map((handle) => handle.close()));
  }

  private checkAgainst(weightMap: Readonly<Record<string, string>>): void {
    for (const [name, shard] of Object.entries(weightMap)) {
      const found = this.located.get(name);
      if (!found || basename(found.file) !== shard) {
        throw new TensorFileError(this.path, `places ${name} in ${shard}, which does not hold it`);
      }
    }
    for (const [name, { file }] of this.located) {
      if (!Object.hasOwn(weightMap, name)) throw new TensorFileError(file, `${name} is not in the index`);
    }
  }
}

/**
 * All bytes of a file, of any size.
 *
 * @throws TensorFileError when it cannot be opened
 */
export async function readBytes(file: string): Promise<Uint8Array> {
  const handle = await openForReading(file);
  try {
    return await readRange(handle, 0, (await handle.stat()).size, file);
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function openForReading(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    throw new TensorFileError(file, `cannot be opened (${(error as Error).message})`);
  }
}

async function readEntries(handle: FileHandle, file: string): Promise<TensorEntry[]> {
  const { size } = await handle.stat();
  const prefix = await readRange(handle, 0, Math.min(size, PREFIX_BYTES), file);
  const length = headerLength(prefix, size, file);
  return parseHeader(await readRange(handle, PREFIX_BYTES, PREFIX_BYTES + length, file), size, file);
}

// Linux gives at most 2^31 − 4096 bytes a read, and a tensor may be larger.
const READ_BYTES = 2 ** 30;

async function readRange(handle: FileHandle, begin: number, end: number, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(READ_BYTES, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, length, begin + done);
    if (bytesRead === 0) throw new TensorFileError(file, `ends before byte ${end}`);
    done += bytesRead;
  }
  return bytes;
}

async function readIndex(index: string): Promise<Record<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(index, 'utf8'));
  } catch (error) {
    throw new TensorFileError(index, `is not JSON (${(error as Error).message})`);
  }
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) throw new TensorFileError(index, `has no valid weight_map (${z.prettifyError(parsed.error)})`);
  for (const shard of Object.values(parsed.data.weight_map)) {
    // A shard lies beside its index; anything else could point the reader at any file.
    if (basename(shard) !== shard || shard.includes('\\') || !shard.endsWith('.safetensors')) {
      throw new TensorFileError(index, `names a shard ${JSON.stringify(shard)} that is no file beside it`);
    }
  }
  return parsed.data.weight_map;
}
