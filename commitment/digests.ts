/** Digests by which a file is found again. */
import { ascii, toHex } from '../protocol/bytes.ts';
import { Sha256, sha256 } from '../protocol/hash.ts';
import { parseFile, PREFIX_BYTES, type TensorEntry } from './safetensors.ts';

/** SHA-256 digests of a safetensors file, 64 hexadecimal digits each. */
export interface FileDigests {
  /** Of all bytes. */
  readonly file: string;
  /**
   * Of the file as it is without metadata, its tensors in the format's own order: the same for files that hold the same
   * tensors under the same names. It has to cover names, types and shapes: the bytes of an adapter under a header that
   * deals them out otherwise are another adapter.
   */
  readonly tensors: string;
}

/** Types in the order in which the format's own writer puts tensors; within a type they are in the order of names. */
const TYPES = [
  ...['U64', 'I64', 'F64', 'F32', 'U32', 'I32', 'BF16', 'F16', 'U16', 'I16'],
  ...['F8_E4M3', 'F8_E5M2', 'I8', 'U8', 'BOOL'],
];

/** Headers are padded so that tensors begin at multiples of this. */
const ALIGNMENT = 8;

/** A text in JSON, in ASCII alone. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The first bytes of a file of these tensors, without metadata: length and header. */
function front(tensors: readonly TensorEntry[]): Uint8Array {
  let end = 0;
  const members = tensors.map(({ name, dtype, shape, begin, end: last }) => {
    const data_offsets = [end, (end += last - begin)];
    return `${quoted(name)}:${JSON.stringify({ dtype, shape, data_offsets })}`;
  });
  const text = ascii(`{${members.join(',')}}`);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, PREFIX_BYTES);
  return bytes;
}

/**
 * Digests of a file. `tensors` is what Python's `safetensors` gives too, for a file of ASCII names:
 * `sha256(save(load(bytes)))`.
 *
 * @param bytes of a safetensors file
 * @param name of the file, for errors
 * @throws TensorFileError for bytes that are no safetensors file
 */
export function fileDigests(bytes: Uint8Array, name = 'the file'): FileDigests {
  const tensors = parseFile(bytes, name);
  tensors.sort((a, b) => TYPES.indexOf(a.dtype) - TYPES.indexOf(b.dtype) || (a.name < b.name ? -1 : 1));
  const hash = new Sha256().update(front(tensors));
  for (const { begin, end } of tensors) hash.update(bytes.subarray(begin, end));
  return { file: toHex(sha256(bytes)), tensors: toHex(hash.digest()) };
}
