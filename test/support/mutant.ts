/** The verifier with one check taken out: a copy of its sources in which a text is replaced. */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEntry } from '../../protocol/channel.ts';
import type { Instance } from '../../protocol/instance.ts';
import type * as Verify from '../../protocol/verify.ts';
import type * as Channel from '../../protocol/channel.ts';

const PROTOCOL = new URL('../../protocol/', import.meta.url);

/** What is taken out: `from` occurs exactly once in the file. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Imports of packages by their address, since copies lie outside the project. */
async function resolvePackages(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const path = join(folder, name);
    const text = await readFile(path, 'utf8');
    const resolved = text.replace(
      /from '(@[^']+)'/g,
      (_, specifier: string) => `from '${import.meta.resolve(specifier)}'`,
    );
    if (resolved !== text) await writeFile(path, resolved);
  }
}

/** A mutated verifier and how to remove it. */
export interface Mutant {
  verifyInstance(bytes: Uint8Array, instance: Instance): readonly LogEntry[];
  verifyProof: typeof Verify.verifyProof;
  remove(): Promise<void>;
}

/** @throws RangeError unless the mutation's text occurs once */
export async function mutant(mutations: readonly Mutation[]): Promise<Mutant> {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-mutant-'));
  await cp(PROTOCOL, folder, { recursive: true, filter: (path) => !/node_modules|dist|tsconfig/.test(path) });
  for (const { file, from, to } of mutations) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1) throw new RangeError(`"${from}" occurs ${count} times in ${file}`);
    await writeFile(
      path,
      text.replace(from, () => to),
    );
  }
  await resolvePackages(folder);
  const load = async <T>(file: string): Promise<T> => (await import(/* @vite-ignore */ join(folder, file))) as T;
  const verify = await load<typeof Verify>('verify.ts');
  const { ProofReader } = await load<typeof Channel>('channel.ts');
  return {
    verifyInstance(bytes, instance) {
      const reader = new ProofReader(bytes);
      verify.verifyInstance(reader, instance, () => {});
      return reader.log;
    },
    verifyProof: verify.verifyProof,
    remove: () => rm(folder, { recursive: true }),
  };
}
