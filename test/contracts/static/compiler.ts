/** The compiler on sources in memory: for what Hardhat's build does not give, such as syntax trees and changed sources. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import solc from 'solc';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Every contract of the project that is deployed: source and name. */
export const CONTRACTS = {
  AdapterRegistry: 'contracts/AdapterRegistry.sol',
  AttesterSet: 'contracts/AttesterSet.sol',
  AdapterDirectory: 'contracts/AdapterDirectory.sol',
  AdapterEscrow: 'contracts/examples/AdapterEscrow.sol',
  AdapterGate: 'contracts/examples/AdapterGate.sol',
  AdapterModels: 'contracts/drafts/AdapterModels.sol',
  AdapterSchemaResolver: 'contracts/eas/AdapterSchemaResolver.sol',
} as const;

/** Texts by path: from the project's folder, or as a package's import names it. */
export type Sources = Readonly<Record<string, string>>;

/** A node of the compiler's syntax tree; `src` is "start:length:file" in bytes. */
export interface SyntaxNode {
  readonly nodeType: string;
  readonly src: string;
  readonly [field: string]: unknown;
}

/** What is read here of the compiler's output. */
export interface CompilerOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly sources: Readonly<Record<string, { readonly id: number; readonly ast: SyntaxNode }>>;
  readonly contracts: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly abi: readonly unknown[];
            readonly evm: { readonly bytecode: { readonly object: string } };
          }
        >
      >
    >
  >;
}

/** The sources at these paths and all that they import. */
export function readSources(paths: readonly string[], given: Sources = {}): Sources {
  const sources: Record<string, string> = {};
  const add = (path: string): void => {
    if (path in sources) return;
    const text = given[path] ?? readFileSync(ROOT + (path.startsWith('@') ? 'node_modules/' : '') + path, 'utf8');
    sources[path] = text;
    for (const [, bare, named] of text.matchAll(/^import (?:['"]([^'"]+)['"]|[^;]*?from\s+['"]([^'"]+)['"]);/gm)) {
      const target = bare ?? named;
      add(target.startsWith('.') ? posix.join(posix.dirname(path), target) : target);
    }
  };
  for (const path of paths) add(path);
  return sources;
}

/**
 * Compiles sources.
 * @param outputs as the compiler's `outputSelection` has them
 * @param settings optimiser and pipeline, if not the compiler's own
 */
export function compile(sources: Sources, outputs: object, settings: object = {}): CompilerOutput {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: { evmVersion: 'cancun', ...settings, outputSelection: outputs },
  };
  const compileStandard = solc.compile as (input: string) => string;
  return JSON.parse(compileStandard(JSON.stringify(input))) as CompilerOutput;
}

/** The compiler's complaints; warnings too. */
export function complaints({ errors = [] }: CompilerOutput): readonly string[] {
  return errors.filter(({ severity }) => severity !== 'info').map(({ formattedMessage }) => formattedMessage);
}

/** The version as `solc --version` tells it. */
export function compilerVersion(): string {
  return (solc.version as () => string)();
}
