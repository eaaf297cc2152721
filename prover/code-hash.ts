/** The verifier's code hash: by it an attestation names the sources that did the verifying. */
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The project's folder. */
export const ROOT = join(import.meta.dirname, '..');

/** The file that holds the hash; it is the only source of the verifier that the hash does not cover. */
export const CODE_HASH_FILE = 'protocol/code-hash.ts';

/** The command that brings the file up to date. */
export const CODE_HASH_COMMAND = './zklora code-hash --write';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * SHA-256 over the lines `<SHA-256 of the content>  <path>\n` of all files protocol/**\/*.ts but {@link CODE_HASH_FILE},
 * sorted by path: what `find protocol -name '*.ts' ! -path protocol/code-hash.ts | LC_ALL=C sort | xargs sha256sum |
 * sha256sum` prints.
 *
 * @param root folder that has `protocol`
 * @returns 64 hexadecimal digits
 */
export async function codeHash(root: string = ROOT): Promise<string> {
  const entries = await readdir(join(root, 'protocol'), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length))
    .filter((path) => path !== CODE_HASH_FILE)
    .sort((a, b) => (a < b ? -1 : 1));
  const lines: string[] = [];
  for (const path of paths) lines.push(`${sha256(await readFile(join(root, path)))}  ${path}\n`);
  return sha256(lines.join(''));
}

/** Writes the hash of the sources as they are to {@link CODE_HASH_FILE}. @returns it */
export async function writeCodeHash(root: string = ROOT): Promise<string> {
  const hash = await codeHash(root);
  const text = `/**
 * SHA-256 over the paths and contents of all other sources in protocol/, 64 hexadecimal digits; see docs/protocol.md.
 * Written by \`${CODE_HASH_COMMAND}\`.
 */
export const CODE_HASH = '${hash}';
`;
  await writeFile(join(root, CODE_HASH_FILE), text);
  return hash;
}
