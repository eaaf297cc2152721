import { join } from 'node:path';

import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** The errors of type-checking one more source file, which exists in memory alone, in a folder's project. */
function errorsOf(folder: string, source: string): string[] {
  const config = join(ROOT, folder, 'tsconfig.json');
  const parsed = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  )!;
  const path = join(ROOT, folder, 'arrow-under-test.ts');
  const host = ts.createCompilerHost(parsed.options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? source : readFile(name));
  const program = ts.createProgram({
    rootNames: [...parsed.fileNames, path],
    options: parsed.options,
    host,
    ...(parsed.projectReferences && { projectReferences: parsed.projectReferences }),
  });
  return [...program.getOptionsDiagnostics(), ...program.getSemanticDiagnostics(program.getSourceFile(path))].map(
    ({ code, messageText }) => `TS${code} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
}

const OUTSIDE = /^TS(6059|6307) .*prover\/errors\.ts/;

describe('the arrows prover → protocol ← worker', () => {
  test('the worker does not compile with an import of the prover', () => {
    const errors = errorsOf('worker', "import { ProverError } from '../prover/errors.ts';\nvoid ProverError;\n");
    expect(errors.some((error) => OUTSIDE.test(error))).toBe(true);
  });

  test.each(['protocol', 'commitment', 'site'])('%s does not compile with an import of the prover', (folder) => {
    const errors = errorsOf(folder, "import { ProverError } from '../prover/errors.ts';\nvoid ProverError;\n");
    expect(errors.some((error) => OUTSIDE.test(error))).toBe(true);
  });

  test.each(['protocol', 'commitment'])('%s knows no clock, process or network', (folder) => {
    for (const name of ['process', 'performance', 'fetch', 'setTimeout', 'console']) {
      expect(errorsOf(folder, `void ${name};\n`).join('\n')).toContain(name);
    }
  });

  test.each(['prover', 'worker'])('%s may compute the root of an adapter file', (folder) => {
    const source = "import { adapterRootOfFile } from '../commitment/adapter-root.ts';\nvoid adapterRootOfFile;\n";
    expect(errorsOf(folder, source)).toEqual([]);
  });

  test('the prover compiles with its own errors, by the same way of asking', () => {
    expect(errorsOf('prover', "import { ProverError } from './errors.ts';\nvoid ProverError;\n")).toEqual([]);
  });
});
