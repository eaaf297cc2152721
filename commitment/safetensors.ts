/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header, and the tensors' bytes without gaps.
 * https://huggingface.co/docs/safetensors
 */
import { TensorFileError } from './errors.ts';
import { readHeader, type Description, type Refusal } from './header.ts';

/** Largest header accepted, as in the format's own implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes before the header. */
export const PREFIX_BYTES = 8;

/** Bytes of one element of each type that a header may name; only the first three are read. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['F64', 8],
  ['I64', 8],
  ['U64', 8],
  ['I32', 4],
  ['U32', 4],
  ['I16', 2],
  ['U16', 2],
  ['I8', 1],
  ['U8', 1],
  ['BOOL', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
]);

/** One tensor as its file's header describes it. */
export interface TensorEntry {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Byte range in the file, the header included. */
  begin: number;
  end: number;
}

// Every engine has it, but types for it come only with those of a whole platform.
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/**
 * The length of a file's header.
 *
 * @param prefix the file's first 8 bytes
 * @param fileBytes the file's size
 * @param file path, for errors
 * @param limit longest header accepted, bytes
 * @throws TensorFileError when the file cannot hold such a header
 */
export function headerLength(
  prefix: Uint8Array,
  fileBytes: number,
  file: string,
  limit: number = MAX_HEADER_BYTES,
): number {
  if (prefix.length < PREFIX_BYTES) throw new TensorFileError(file, 'is too short for a safetensors file');
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(limit) || Number(length) > fileBytes - PREFIX_BYTES) {
    throw new TensorFileError(
      file,
      `is no safetensors file, or is cut: it declares a header of ${length} bytes, in a file of ${fileBytes} bytes; at most ${limit} are read`,
    );
  }
  return Number(length);
}

/**
 * Reads and checks a header: every name once, known types, sizes that agree with shapes, and ranges that fill the rest
 * of the file without gap or overlap.
 *
 * @param header its bytes
 * @param fileBytes the file's size
 * @param file path, for errors
 * @returns the tensors in the order of their bytes
 * @throws TensorFileError naming the tensor and what is wrong
 */
export function parseHeader(header: Uint8Array, fileBytes: number, file: string): TensorEntry[] {
  const dataStart = PREFIX_BYTES + header.length;
  const refusal: Refusal = (problem) => new TensorFileError(file, problem);
  const entries = readHeader(headerText(header, refusal), refusal)
    .map((description) => checkedEntry(description, dataStart, refusal))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = dataStart;
  for (const entry of entries) {
    if (entry.begin !== position) {
      const what = entry.begin < position ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw refusal(`${entry.name} ${what} (byte ${entry.begin}, expected ${position})`);
    }
    position = entry.end;
  }
  if (position !== fileBytes) throw refusal(`has ${fileBytes} bytes, but its tensors end at byte ${position}`);
  return entries;
}

/**
 * Reads a whole file's header.
 *
 * @param bytes of the file
 * @param file name, for errors
 * @param limit longest header accepted, bytes
 * @returns the tensors in the order of their bytes
 * @throws TensorFileError for bytes that are no safetensors file
 */
export function parseFile(bytes: Uint8Array, file: string, limit: number = MAX_HEADER_BYTES): TensorEntry[] {
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.length, file, limit);
  return parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.length, file);
}

function headerText(header: Uint8Array, refusal: Refusal): string {
  // Before decoding, which would drop a byte order mark.
  if (header[0] !== 0x7b) throw refusal('has a header that does not begin with "{"');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch {
    throw refusal('has a header that is not JSON (it is not UTF-8)');
  }
}

function checkedEntry(description: Description, dataStart: number, refusal: Refusal): TensorEntry {
  const { name, dtype, shape, offsets } = description;
  const fail = (problem: string): Error => refusal(`${name}: ${problem}`);
  const width = dtype === undefined ? undefined : ELEMENT_BYTES.get(dtype);
  if (dtype === undefined || width === undefined) throw fail(`has unknown dtype ${JSON.stringify(dtype)}`);
  if (shape === undefined) throw fail('has no valid shape (it has none)');
  if (offsets?.length !== 2 || offsets[0] > offsets[1]) {
    throw fail(`has no valid data_offsets (${JSON.stringify(offsets)})`);
  }
  // A product beyond 2^53 is rounded, but then it is no file's length either.
  const bytes = shape.reduce((product, size) => product * size, width);
  if (offsets[1] - offsets[0] !== bytes) {
    throw fail(`is ${dtype} [${shape.join(', ')}], which is ${bytes} bytes, not ${offsets[1] - offsets[0]}`);
  }
  return { name, dtype, shape, begin: dataStart + offsets[0], end: dataStart + offsets[1] };
}

/**
 * A tensor's values, each converted exactly.
 *
 * @param bytes the tensor's bytes
 * @param entry its description
 * @param file path, for errors
 * @throws TensorFileError for a type other than F32, F16 and BF16
 */
export function decodeTensor(bytes: Uint8Array, entry: TensorEntry, file: string): Float32Array {
  // A copy at offset 0. Not slice(), which of Node's Buffer is a view of a larger buffer.
  const aligned = new Uint8Array(bytes).buffer;
  switch (entry.dtype) {
    case 'F32':
      return new Float32Array(aligned);
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(aligned), (half) => half << 16).buffer);
    case 'F16':
      return Float32Array.from(new Uint16Array(aligned), halfToFloat);
    default:
      throw new TensorFileError(
        file,
        `${entry.name} has dtype ${entry.dtype}; F32, F16 and BF16 can be read`,
        'Save the model in float32, float16 or bfloat16, without quantisation.',
      );
  }
}

/** The value of an IEEE 754 half, given as its 16 bits. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
