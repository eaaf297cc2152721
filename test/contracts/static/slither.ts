// Slither where it is installed: it finds only what docs/contracts.md names with a reason.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';

import { compile, complaints, compilerVersion, CONTRACTS, readSources, ROOT } from './compiler.ts';

const INSTALLED = spawnSync('slither', ['--version']).status === 0;
const OUTPUTS = [
  'abi',
  'metadata',
  'devdoc',
  'userdoc',
  'evm.bytecode',
  'evm.deployedBytecode',
  'evm.methodIdentifiers',
];

interface Report {
  readonly success: boolean;
  readonly results: { readonly detectors?: readonly { readonly check: string }[] };
}

/** Gives slither the sources and, in the place of a compiler, a script that prints what solc made of them. */
async function reportOf(folder: string): Promise<Report> {
  const sources = readSources(Object.values(CONTRACTS));
  const output = compile(
    sources,
    { '*': { '*': OUTPUTS, '': ['ast'] } },
    { optimizer: { enabled: true }, viaIR: true },
  );
  assert.deepEqual(complaints(output), []);
  for (const [path, text] of Object.entries(sources)) {
    await mkdir(dirname(folder + path), { recursive: true });
    await writeFile(folder + path, text);
  }
  const contents = Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }]));
  await writeFile(`${folder}input.json`, JSON.stringify({ language: 'Solidity', sources: contents, settings: {} }));
  await writeFile(`${folder}output.json`, JSON.stringify(output));
  const version = `Version: ${compilerVersion()}`;
  await writeFile(
    `${folder}solc`,
    `#!/bin/sh\ncase "$*" in *--version*) echo '${version}';; *) cat > /dev/null; cat '${folder}output.json';; esac\n`,
  );
  await chmod(`${folder}solc`, 0o755);
  const args = ['input.json', '--compile-force-framework', 'Solc-json', '--solc', `${folder}solc`];
  spawnSync('slither', [...args, '--filter-paths', '@openzeppelin|@ethereum', '--json', 'report.json'], {
    cwd: folder,
  });
  return JSON.parse(await readFile(`${folder}report.json`, 'utf8')) as Report;
}

describe('slither', { skip: !INSTALLED }, () => {
  test('finds what docs/contracts.md justifies, and no more', async () => {
    const folder = `${ROOT}.build/slither/`;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const { success, results } = await reportOf(folder);
    assert.equal(success, true);
    const found: Record<string, number> = {};
    for (const { check } of results.detectors ?? []) found[check] = (found[check] ?? 0) + 1;
    const page = await readFile(`${ROOT}docs/contracts.md`, 'utf8');
    const rows = page.matchAll(/^\| `([a-z-]+)` \| (\d+) \| .+ \|$/gm);
    assert.deepEqual(found, Object.fromEntries(Array.from(rows, ([, name, count]) => [name, Number(count)])));
  });
});
