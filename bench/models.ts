/** Models for benchmarks: the example, and a deeper one made of its layers. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeTensor, parseFile } from '../commitment/safetensors.ts';
import { encodeSafetensors, type NamedTensor } from '../prover/model/safetensors.ts';

export const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'stories260k');
export const FABLES = join(import.meta.dirname, '..', 'examples', 'aesop-fables.jsonl');

/** Branches of added layers are damped, so that activations stay in the range that the original's have. */
const DAMPING = 0.25;

/**
 * A folder with the example's model repeated to `layers` layers: the shape of a deeper model, not a useful one.
 * @param layers at least the example's
 */
export async function deeperModel(layers: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `zklora-${layers}-layers-`));
  await cp(EXAMPLE, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(EXAMPLE, 'config.json'), 'utf8')) as Record<string, unknown> & {
    num_hidden_layers: number;
  };
  const path = join(EXAMPLE, 'model.safetensors');
  const bytes = new Uint8Array(await readFile(path));
  const tensors = parseFile(bytes, path).flatMap((entry): NamedTensor[] => {
    const { name, shape } = entry;
    const values = decodeTensor(bytes.subarray(entry.begin, entry.end), entry, path);
    const layer = /^model\.layers\.(\d+)\.(.*)$/.exec(name);
    const out = [{ name, shape, values }];
    if (layer === null) return out;
    for (let l = Number(layer[1]) + config.num_hidden_layers; l < layers; l += config.num_hidden_layers) {
      const damped = /o_proj|down_proj/.test(name) ? values.map((v) => v * DAMPING) : values;
      out.push({ name: `model.layers.${l}.${layer[2]}`, shape, values: damped });
    }
    return out;
  });
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: layers }));
  return folder;
}
