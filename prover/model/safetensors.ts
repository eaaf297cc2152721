/** Writing the safetensors format; commitment/safetensors.ts reads it. */
import { PREFIX_BYTES } from '../../commitment/safetensors.ts';

/** A tensor to write. */
export interface NamedTensor {
  name: string;
  shape: readonly number[];
  /** Row-major. */
  values: Float32Array;
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
