/** An adapter of the sample run and its file, made without the prover, so that tests in workerd have them too. */
import { initialAdapter } from '../../protocol/program/initial.ts';
import { forEachMatrix, MASTER_SCALE } from '../../commitment/adapter-file.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { Adapter } from '../../protocol/program/adapter.ts';
import { SAMPLE_RUN } from './statements.ts';

/** Its root; test/commitment compares it with the prover's. */
export const SAMPLE_ADAPTER_ROOT = 'd4a1ccdb1f7187d75c1800ba7d7cd57253a945bff28b6ef74871e7c3fbc14041';

/** An adapter of a run's shape with every weight drawn from a pattern. */
export function patternAdapter(run: RunSpec): Adapter {
  const { model, lora } = run;
  const adapter = initialAdapter(new Uint8Array(32).fill(3), { dimensions: model, layers: model.layers, ...lora });
  for (const layer of adapter.layers)
    for (const { B } of Object.values(layer)) B.forEach((_, i) => (B[i] = ((i * 77_777) % 200_003) - 100_000));
  return adapter;
}

/** A tensor to put into a file, with any description. */
export interface RawTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The matrices of an adapter as a file has them. */
export function rawTensors(run: RunSpec, adapter: Adapter): RawTensor[] {
  const tensors: RawTensor[] = [];
  forEachMatrix(run.lora, run.model, (name, shape, layer, target, side) => {
    const values = Float32Array.from(adapter.layers[layer][target]![side], (w) => w / MASTER_SCALE);
    tensors.push({ name, shape, bytes: new Uint8Array(values.buffer) });
  });
  return tensors;
}

/** A file with any header before any bytes. */
export function rawFile(header: string, data: readonly Uint8Array[]): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + data.reduce((n, { length }) => n + length, 0));
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let at = 8 + json.length;
  for (const bytes of data) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** The descriptions of tensors that lie in this order. */
export function descriptions(tensors: readonly RawTensor[]): [name: string, description: object][] {
  let at = 0;
  return tensors.map(({ name, shape, bytes }) => {
    const begin = at;
    at += bytes.length;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, at] }];
  });
}

/** A safetensors file. */
export function tensorFile(tensors: readonly RawTensor[], metadata: object = { format: 'pt' }): Uint8Array {
  const header = Object.fromEntries([['__metadata__', metadata], ...descriptions(tensors)]);
  return rawFile(
    JSON.stringify(header),
    tensors.map(({ bytes }) => bytes),
  );
}

/** The file of the sample run's adapter. */
export function sampleAdapterFile(): Uint8Array {
  return tensorFile(rawTensors(SAMPLE_RUN, patternAdapter(SAMPLE_RUN)));
}
