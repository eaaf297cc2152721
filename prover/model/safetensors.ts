/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header, and the tensors' bytes without gaps.
 * https://huggingface.co/docs/safetensors
 */
import { TensorFileError } from './errors.ts';

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
  shape: number[];
  /** Byte range in the file, the header included. */
  begin: number;
  end: number;
}

/** A tensor to write. */
export interface NamedTensor {
  name: string;
  shape: readonly number[];
  /** Row-major. */
  values: Float32Array;
}

/**
 * The length of a file's header.
 *
 * @param prefix the file's first 8 bytes
 * @param fileBytes the file's size
 * @param file path, for errors
 * @throws TensorFileError when the file cannot hold such a header
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  if (prefix.length < PREFIX_BYTES) throw new TensorFileError(file, 'is too short for a safetensors file');
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || Number(length) > fileBytes - PREFIX_BYTES) {
    throw new TensorFileError(file, `declares a header of ${length} bytes, in a file of ${fileBytes} bytes`);
  }
  return Number(length);
}

/**
 * Reads and checks a header: known types, sizes that agree with shapes, and ranges that fill the rest of the file
 * without gap or overlap.
 *
 * @param header its bytes
 * @param fileBytes the file's size
 * @param file path, for errors
 * @returns the tensors in the order of their bytes
 * @throws TensorFileError naming the tensor and what is wrong
 */
export function parseHeader(header: Uint8Array, fileBytes: number, file: string): TensorEntry[] {
  const dataStart = PREFIX_BYTES + header.length;
  const entries = Object.entries(headerObject(header, file))
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseEntry(name, value, dataStart, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = dataStart;
  for (const entry of entries) {
    if (entry.begin !== position) {
      const what = entry.begin < position ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new TensorFileError(file, `${entry.name} ${what} (byte ${entry.begin}, expected ${position})`);
    }
    position = entry.end;
  }
  if (position !== fileBytes) {
    throw new TensorFileError(file, `has ${fileBytes} bytes, but its tensors end at byte ${position}`);
  }
  return entries;
}

function headerObject(header: Uint8Array, file: string): Record<string, unknown> {
  if (header[0] !== 0x7b) throw new TensorFileError(file, 'has a header that does not begin with "{"');
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (error) {
    throw new TensorFileError(file, `has a header that is not JSON (${(error as Error).message})`);
  }
  return parsed as Record<string, unknown>;
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  const fail = (problem: string) => new TensorFileError(file, `${name}: ${problem}`);
  if (typeof value !== 'object' || value === null) throw fail('has no description');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  const width = typeof dtype === 'string' ? ELEMENT_BYTES.get(dtype) : undefined;
  if (width === undefined) throw fail(`has unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw fail(`has no valid shape (${JSON.stringify(shape)})`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw fail(`has no valid data_offsets (${JSON.stringify(offsets)})`);
  }
  // A product beyond 2^53 is rounded, but then it is no file's length either.
  const bytes = shape.reduce((product, size) => product * size, width);
  if (offsets[1] - offsets[0] !== bytes) {
    throw fail(`is ${dtype as string} [${shape.join(', ')}], which is ${bytes} bytes, not ${offsets[1] - offsets[0]}`);
  }
  return { name, dtype: dtype as string, shape, begin: dataStart + offsets[0], end: dataStart + offsets[1] };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
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
  const aligned = bytes.slice().buffer;
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

/**
 * A file's bytes for float32 tensors: the same tensors always give the same bytes. Tensors lie in the order of their
 * names, and the header is padded with spaces to a multiple of 8.
 *
 * @param tensors with distinct names
 * @param metadata the header's `__metadata__`
 * @throws RangeError for a repeated name or a shape that does not fit its values
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const header: Record<string, unknown> = { __metadata__: metadata };
  let position = 0;
  for (const { name, shape, values } of sorted) {
    if (Object.hasOwn(header, name)) throw new RangeError(`tensor ${name} is given twice`);
    if (shape.reduce((product, size) => product * size, 1) !== values.length) {
      throw new RangeError(`tensor ${name} has ${values.length} values, which do not fill [${shape.join(', ')}]`);
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [position, position + values.byteLength] };
    position += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(PREFIX_BYTES + length + position).fill(0x20, PREFIX_BYTES, PREFIX_BYTES + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(json, PREFIX_BYTES);
  let offset = PREFIX_BYTES + length;
  for (const { values } of sorted) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return file;
}
