import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from 'vitest';

import { ascii, toHex } from '../../protocol/bytes.ts';
import { CODE_HASH } from '../../protocol/code-hash.ts';
import { sha256 } from '../../protocol/hash.ts';
import { PROTOCOL } from '../../protocol/parameters.ts';
import { VERIFIER, verifierDigest } from '../../protocol/verify.ts';
import { CODE_HASH_COMMAND, CODE_HASH_FILE, ROOT, codeHash, writeCodeHash } from '../../prover/code-hash.ts';

describe('the verifier’s code hash', () => {
  test('is that of the sources', async () => {
    expect(CODE_HASH, `protocol/ has changed: run ${CODE_HASH_COMMAND}`).toBe(await codeHash());
  });

  test('is what docs/protocol.md says that a shell computes', async () => {
    const page = readFileSync(join(ROOT, 'docs', 'protocol.md'), 'utf8');
    const [, command] = /```sh\n(find protocol [^`]+)\n```/.exec(page)!;
    const printed = execFileSync('bash', ['-c', command.replaceAll('\\\n', ' ')], { cwd: ROOT, encoding: 'utf8' });
    expect(printed.split(' ')[0]).toBe(await codeHash());
  });

  test('is part of what the verifier says of itself and of the digest that attestations hold', () => {
    expect(VERIFIER.codeHash).toBe(CODE_HASH);
    const { id, version, codeHash: code } = VERIFIER;
    const text = `zklora/verifier/v2 ${id} ${version} ${PROTOCOL} ${code}`;
    expect(toHex(verifierDigest())).toBe(toHex(sha256(ascii(text))));
  });

  describe('of a copy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'zklora-code-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    beforeEach(() => {
      rmSync(join(folder, 'protocol'), { recursive: true, force: true });
      cpSync(join(ROOT, 'protocol'), join(folder, 'protocol'), { recursive: true });
    });
    const at = (file: string): string => join(folder, 'protocol', file);

    test('is the same wherever it lies, and in the file that states it', async () => {
      const hash = await codeHash();
      expect(await codeHash(folder)).toBe(hash);
      writeFileSync(join(folder, CODE_HASH_FILE), '');
      expect(await writeCodeHash(folder)).toBe(hash);
      expect(readFileSync(join(folder, CODE_HASH_FILE), 'utf8')).toContain(`export const CODE_HASH = '${hash}';`);
      writeFileSync(at('notes.md'), 'no source');
      expect(await codeHash(folder)).toBe(hash);
    });

    test.each<[string, () => void]>([
      ['a character', () => appendFileSync(at('program/llama.ts'), ' ')],
      [
        'line endings',
        () => writeFileSync(at('verify.ts'), readFileSync(at('verify.ts'), 'utf8').replaceAll('\n', '\r\n')),
      ],
      ['a name', () => renameSync(at('field.ts'), at('fields.ts'))],
      ['a place', () => renameSync(at('field.ts'), at('program/field.ts'))],
      ['a file less', () => rmSync(at('soundness.ts'))],
      ['a file more', () => writeFileSync(at('more.ts'), '')],
      ['another file of the exempt name', () => writeFileSync(at('program/code-hash.ts'), '')],
      [
        'two contents exchanged',
        () => {
          renameSync(at('field.ts'), at('kept.ts'));
          renameSync(at('hash.ts'), at('field.ts'));
          renameSync(at('kept.ts'), at('hash.ts'));
        },
      ],
      [
        'a folder more',
        () => {
          mkdirSync(at('new'));
          writeFileSync(at('new/empty.ts'), '');
        },
      ],
    ])('is another with %s', async (_, change) => {
      change();
      expect(await codeHash(folder)).not.toBe(await codeHash());
    });
  });
});
