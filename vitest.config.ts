import { existsSync } from 'node:fs';

import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

import { buildSite } from './site/build.ts';
import { outbound } from './test/support/outbound.ts';

// The worker's bindings name the folder.
await buildSite();

const node: TestProjectConfiguration = {
  extends: true,
  test: {
    name: 'node',
    include: ['test/**/*.test.ts'],
    exclude: ['test/worker/**', 'test/contracts/**', 'test/page/**'],
  },
};

const worker: TestProjectConfiguration = {
  extends: true,
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          MIGRATIONS: await readD1Migrations('migrations'),
          FULL: process.env['ZKLORA_FULL'] ?? '',
          WEBHOOK_SECRET: 'the secret of the tests, not of anybody',
        },
        outboundService: outbound,
      },
    })),
  ],
  // Each file has a bucket and an index of its own.
  test: { name: 'worker', include: ['test/worker/**/*.test.ts'], setupFiles: ['test/worker/migrate.ts'] },
};

/** All in one worker and one run, which take most of the time. */
const page: TestProjectConfiguration = {
  extends: true,
  test: { name: 'page', include: ['test/page/**/*.test.ts'], globalSetup: ['test/page/setup.ts'] },
};

export default defineConfig({
  test: {
    projects: existsSync(new URL('wrangler.toml', import.meta.url)) ? [node, worker, page] : [node],
    // Each file that computes on the GPU takes all cores where the driver computes on the CPU.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
