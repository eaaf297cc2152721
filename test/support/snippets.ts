/** The examples of a page in Markdown, made into files that can be compiled and run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

import ts from 'typescript';

/** The code of each fenced block of a language, in order. */
export function blocksOf(page: string, language: string): string[] {
  return Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')), ([, code]) => code);
}

/** A block's program: a function of the names that the page takes as given; it returns what the block prints. */
export type Program = (given: object) => Promise<unknown[][]>;

/** The project's folder. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = `${ROOT}.build/snippets/`;

/**
 * Makes a module of a block, for which the project's folder is `./`.
 * @param given the type of the names that the block takes as given, as an object's
 */
function moduleOf(block: string, given: Readonly<Record<string, string>>): string {
  const lines = block.split('\n');
  const imports = lines.filter((line) => line.startsWith('import ')).map((line) => line.replace(`'./`, `'../../`));
  const body = lines.filter((line) => !line.startsWith('import '));
  const types = Object.entries(given).map(([name, type]) => `${name}: ${type}`);
  return [
    ...imports,
    `export default async function ({ ${Object.keys(given).join(', ')} }: { ${types.join('; ')} }) {`,
    'const printed: unknown[][] = [];',
    'const console = { log: (...values: unknown[]) => printed.push(values) };',
    // A block of its own: a snippet may declare what later ones take as given.
    '{',
    ...body,
    '}',
    'return printed;',
    '}',
  ].join('\n');
}

/** The type errors of files under the project's settings. */
function typeErrors(paths: readonly string[]): string[] {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.base.json`, (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      ...{ composite: false, emitDeclarationOnly: false, declaration: false, noEmit: true, types: ['node'] },
      // A page takes more names as given than each of its blocks needs.
      ...{ noUnusedLocals: false, noUnusedParameters: false },
    },
    ROOT,
  );
  const program = ts.createProgram([...paths], options);
  const files = paths.flatMap((path) => program.getSourceFile(path) ?? []);
  const diagnostics = files.flatMap((file) => ts.getPreEmitDiagnostics(program, file));
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

/** A page's blocks, loaded, and what the type checker says of them. */
export interface LoadedBlocks {
  readonly errors: readonly string[];
  readonly programs: readonly Program[];
}

/**
 * Writes blocks as modules, checks their types and loads them.
 * @param name of the page
 * @param given the types of the names that the blocks take as given
 */
export async function loadBlocks(
  name: string,
  blocks: readonly string[],
  given: Readonly<Record<string, string>>,
): Promise<LoadedBlocks> {
  mkdirSync(FOLDER, { recursive: true });
  const paths = blocks.map((_, index) => `${FOLDER}${name}-${index}.ts`);
  for (const [index, block] of blocks.entries()) writeFileSync(paths[index], moduleOf(block, given));
  const modules = await Promise.all(paths.map((path) => import(pathToFileURL(path).href)));
  return { errors: typeErrors(paths), programs: modules.map((loaded: { default: Program }) => loaded.default) };
}
