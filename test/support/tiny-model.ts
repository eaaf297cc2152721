/** A random LLaMA directory small enough to train on the CPU in moments, with the example model's tokenizer. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UniformStream } from '../../protocol/program/stream.ts';
import { encodeSafetensors, type NamedTensor } from '../../prover/model/safetensors.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};

/** Writes the model into a folder. */
export async function writeTinyModel(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stream = new UniformStream(new Uint8Array(32).fill(7), 'tiny model');
  const random = (name: string, ...shape: number[]): NamedTensor => {
    const size = shape.reduce((n, d) => n * d, 1);
    // Gains are near 1, weights within ±0.25: exact multiples of 2^-12
    const base = shape.length === 1 ? 4096 : 0;
    const values = Float32Array.from({ length: size }, () => (base + stream.below(2049) - 1024) / 4096);
    return { name, shape, values };
  };
  const { hidden_size: d, intermediate_size: ff, vocab_size: vocab } = CONFIG;
  const layer = (l: number): NamedTensor[] => {
    const at = (name: string): string => `model.layers.${l}.${name}.weight`;
    return [
      random(at('input_layernorm'), d),
      random(at('post_attention_layernorm'), d),
      random(at('self_attn.q_proj'), d, d),
      random(at('self_attn.k_proj'), d / 2, d),
      random(at('self_attn.v_proj'), d / 2, d),
      random(at('self_attn.o_proj'), d, d),
      random(at('mlp.gate_proj'), ff, d),
      random(at('mlp.up_proj'), ff, d),
      random(at('mlp.down_proj'), d, ff),
    ];
  };
  const tensors = [
    random('model.embed_tokens.weight', vocab, d),
    random('model.norm.weight', d),
    ...layer(0),
    ...layer(1),
  ];
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors, { format: 'pt' }));
  await writeFile(join(folder, 'config.json'), JSON.stringify(CONFIG));
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(EXAMPLES, 'stories260k', file), join(folder, file));
}

/** Writes the first fables into a file. */
export async function writeFables(file: string, documents: number): Promise<void> {
  const lines = (await readFile(join(EXAMPLES, 'aesop-fables.jsonl'), 'utf8')).split('\n');
  await writeFile(file, `${lines.slice(0, documents).join('\n')}\n`);
}
