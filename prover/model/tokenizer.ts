/** A model's tokenizer.json, through @huggingface/tokenizers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { sha256 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { ModelFileError } from './errors.ts';

// The package's own types do not resolve under Node's module rules; this is the part of them that is used.
const Tokenizer = HuggingFaceTokenizer as new (
  tokenizer: unknown,
  config: unknown,
) => {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[]): string;
  token_to_id(token: string): number | undefined;
};

const token = z.union([z.string(), z.looseObject({ content: z.string() }).transform((added) => added.content)]);
const tokenizerConfigSchema = z.looseObject({ bos_token: token.nullish(), eos_token: token.nullish() });

/** What building rows needs of a tokenizer. */
export interface TextTokenizer {
  /** Token ids of a text, without a token before or after it. */
  encode(text: string): number[];
  /** The text of token ids. */
  decode(ids: readonly number[]): string;
  /** Id of the token that begins a document. */
  bos: number;
  /** Id of the token that ends a document. */
  eos: number;
  /** SHA-256 of tokenizer.json, 32 bytes. */
  digest: Uint8Array;
}

/**
 * Loads tokenizer.json and, for the names of the tokens that begin and end a document, tokenizer_config.json.
 *
 * @param directory of the model
 * @throws ModelFileError when a file is missing or malformed, or a document's first or last token is not named
 */
export async function loadTokenizer(directory: string): Promise<TextTokenizer> {
  const file = join(directory, 'tokenizer.json');
  const configFile = join(directory, 'tokenizer_config.json');
  const bytes = await readBytes(file);
  const config = tokenizerConfigSchema.safeParse(parseJson(await readBytes(configFile), configFile));
  if (!config.success) throw new ModelFileError(configFile, z.prettifyError(config.error));
  let tokenizer: InstanceType<typeof Tokenizer>;
  try {
    tokenizer = new Tokenizer(parseJson(bytes, file), config.data);
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    throw new ModelFileError(file, `is no tokenizer that can be used (${(error as Error).message})`);
  }
  const idOf = (name: 'bos_token' | 'eos_token'): number => {
    const content = config.data[name];
    if (content === null || content === undefined)
      throw new ModelFileError(configFile, `names no ${name}, which every document needs`);
    const id = tokenizer.token_to_id(content);
    if (id === undefined) throw new ModelFileError(file, `does not hold ${name} ${JSON.stringify(content)}`);
    return id;
  };
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode([...ids]),
    bos: idOf('bos_token'),
    eos: idOf('eos_token'),
    digest: sha256(bytes),
  };
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ModelFileError(file, `cannot be read (${(error as Error).message})`);
  }
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ModelFileError(file, `is not JSON (${(error as Error).message})`);
  }
}
