import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }>>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WRANGLER = fileURLToPath(new URL('../bin/wrangler.js', import.meta.resolve('wrangler')));
/** What a free plan takes, compressed. */
const SMALLEST_PLAN = 3 * 2 ** 20;

let folder: string;
let inputs: string[];
let bundle: Buffer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zklora-bundle-'));
  const metafile = join(folder, 'meta.json');
  execFileSync(process.execPath, [WRANGLER, 'deploy', '--dry-run', '--outdir', folder, '--metafile', metafile], {
    cwd: ROOT,
    stdio: 'pipe',
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_LOG_PATH: folder,
    },
  });
  const { outputs } = JSON.parse(readFileSync(metafile, 'utf8')) as Metafile;
  const script = Object.entries(outputs).find(([path]) => path.endsWith('index.js'))![1];
  // What is read, and left out because nothing uses it, is not deployed.
  inputs = Object.entries(script.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
  bundle = readFileSync(join(folder, 'index.js'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what would be deployed', () => {
  test('has the verifier and no file of the prover', () => {
    expect(inputs).toContain('protocol/verify.ts');
    expect(inputs.filter((path) => /(^|\/)(prover|test|bench)\//.test(path) && !path.includes('node_modules'))).toEqual(
      [],
    );
  });

  test('depends on few packages', () => {
    const packages = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
    const own = [...new Set(packages)].filter((name) => name !== undefined && name !== 'wrangler');
    expect(own.sort()).toEqual([
      '@asteasolutions/zod-to-openapi',
      '@hono/zod-openapi',
      '@hono/zod-validator',
      '@noble/curves',
      '@noble/hashes',
      'abitype',
      'hono',
      'viem',
      'zod',
    ]);
  });

  test('is small enough for every plan', () => {
    const compressed = gzipSync(bundle).length;
    console.info(`worker bundle: ${bundle.length} bytes, ${compressed} compressed, ${inputs.length} files`);
    expect(compressed).toBeLessThan(SMALLEST_PLAN);
  });
});
