/** Digests by which a file is found again. */
import { toHex } from '../protocol/bytes.ts';
import { sha256 } from '../protocol/hash.ts';
import { PREFIX_BYTES, headerLength } from './safetensors.ts';

/** SHA-256 digests of a safetensors file, 64 hexadecimal digits each. */
export interface FileDigests {
  /** Of all bytes. */
  readonly file: string;
  /** Of the bytes after the header: the same for files that differ in metadata, or in the names of tensors, alone. */
  readonly tensors: string;
}

/**
 * Digests of a file; its header is not read.
 *
 * @param bytes of a safetensors file
 * @param name of the file, for errors
 * @throws TensorFileError when the bytes are shorter than the header that they declare
 */
export function fileDigests(bytes: Uint8Array, name = 'the file'): FileDigests {
  const start = PREFIX_BYTES + headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.length, name);
  return { file: toHex(sha256(bytes)), tensors: toHex(sha256(bytes.subarray(start))) };
}
