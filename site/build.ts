// Builds what browsers load into .build/site, which the worker serves under /assets: `node site/build.ts`.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build as bundle, type Plugin } from 'esbuild';

const SOURCES = fileURLToPath(new URL('./', import.meta.url));
const PROJECT = fileURLToPath(new URL('../', import.meta.url));
/** The folder named in wrangler.toml. */
export const SITE = join(PROJECT, '.build/site');

/** The reference page at /docs shows itself with these. */
const REFERENCE = ['swagger-ui-bundle.js', 'swagger-ui.css'] as const;

// What a script may do in a Web Worker is said by the script's own response, not by the page's.
const HEADERS = `/assets/*
  Content-Security-Policy: default-src 'none'; connect-src 'self'; frame-ancestors 'none'
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
`;

/** The schema library brings its messages in forty languages; English is enough, and half of the bundle. */
const ENGLISH_ALONE: Plugin = {
  name: 'english-alone',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** Writes a file whole, and only where it differs: a running `wrangler dev` reads this folder, and others may build it too. */
async function writeChanged(path: string, contents: Uint8Array): Promise<void> {
  const before = await readFile(path).catch(() => null);
  if (before !== null && before.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const whole = join(PROJECT, '.build', `site-${process.pid}-${Math.random().toString(36).slice(2)}`);
  await writeFile(whole, contents);
  await rename(whole, path);
}

/** Scripts and styles, bundled. Names stay the same over versions: browsers ask for each again with its ETag. */
async function bundles(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await bundle({
    absWorkingDir: SOURCES,
    entryPoints: ['page.ts', 'checker.ts', 'page.css'],
    bundle: true,
    plugins: [ENGLISH_ALONE],
    write: false,
    outdir: join(SITE, 'assets'),
    format: 'esm',
    target: 'es2024',
    charset: 'utf8',
    minify: true,
    // So that readers see in their browser's tools what it runs.
    sourcemap: 'linked',
    legalComments: 'linked',
    logLevel: 'warning',
  });
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]));
}

/** Builds everything. @throws esbuild's BuildFailure for sources that do not bundle */
export async function buildSite(): Promise<void> {
  const files = await bundles();
  const swagger = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
  for (const name of REFERENCE) files.set(join(SITE, 'assets', name), await readFile(join(swagger, name)));
  files.set(join(SITE, 'assets/icon.svg'), await readFile(join(SOURCES, 'icon.svg')));
  files.set(join(SITE, '_headers'), Buffer.from(HEADERS));
  await mkdir(join(PROJECT, '.build'), { recursive: true });
  await Promise.all([...files].map(([path, contents]) => writeChanged(path, contents)));
}

if (import.meta.main) {
  if (process.argv.includes('--clean')) await rm(SITE, { recursive: true, force: true });
  await buildSite();
}
