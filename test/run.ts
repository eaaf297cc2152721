// The whole check: `node test/run.ts [--full] [pattern…]`; ends with one line "N passed, N failed".
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { countHardhat, countVitest, type Count } from './count.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const VITEST_REPORT = '.build/vitest.json';
const TOOLS = {
  tsc: 'node_modules/typescript/bin/tsc',
  eslint: 'node_modules/eslint/bin/eslint.js',
  prettier: 'node_modules/prettier/bin/prettier.cjs',
  vitest: 'node_modules/vitest/vitest.mjs',
  hardhat: 'node_modules/hardhat/dist/src/cli.js',
  solhint: 'node_modules/solhint/solhint.js',
} as const;
// It finds no YAML by itself, and would ask the network for a newer version.
const SOLHINT = ['--config', '.solhintrc.yaml', '--disc', '--noPoster', '--max-warnings', '0'];

const full = process.argv.includes('--full');
const patterns = process.argv.slice(2).filter((argument) => argument !== '--full');

interface Ended {
  readonly code: number;
  readonly output: string;
}

/**
 * Runs one tool in the project's folder and returns its exit code and what it wrote.
 * @param live show its output as it comes; else all of it at its end, since another tool runs beside it
 */
async function run(tool: keyof typeof TOOLS, args: readonly string[], live = false): Promise<Ended> {
  const began = performance.now();
  const title = `\n── ${tool} ${args.join(' ')}\n`;
  if (live) process.stdout.write(title);
  const child = spawn(process.execPath, [TOOLS[tool], ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
      ...(full ? { ZKLORA_FULL: '1' } : {}),
      HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    },
  });
  const [out, all]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    all.push(chunk);
    if (live) process.stdout.write(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    all.push(chunk);
    if (live) process.stderr.write(chunk);
  });
  const stop = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (code === null) process.exit(1);
  if (!live) process.stdout.write(title + Buffer.concat(all).toString('utf8'));
  process.stdout.write(`── ${tool}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
  return { code, output: Buffer.concat(out).toString('utf8') };
}

/** A tool whose answer is yes or no counts as one test. */
async function check(tool: keyof typeof TOOLS, args: readonly string[]): Promise<Count> {
  const { code } = await run(tool, args);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function vitest(): Promise<Count> {
  mkdirSync(`${ROOT}.build`, { recursive: true });
  rmSync(ROOT + VITEST_REPORT, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${VITEST_REPORT}`];
  const { code } = await run('vitest', ['run', ...reporters, ...patterns], true);
  const report = existsSync(ROOT + VITEST_REPORT) ? readFileSync(ROOT + VITEST_REPORT, 'utf8') : undefined;
  return countVitest(report, code);
}

async function hardhat(): Promise<Count> {
  const { code, output } = await run('hardhat', ['test']);
  return countHardhat(output, code);
}

const withContracts = existsSync(`${ROOT}hardhat.config.ts`);

/** What wants one core, one after the other; the tests of the contracts among it. */
async function checksOneByOne(): Promise<Count[]> {
  const counts = [await check('tsc', ['--build']), await check('eslint', ['.'])];
  if (withContracts) counts.push(await check('solhint', [...SOLHINT, 'contracts/**/*.sol']));
  counts.push(await check('prettier', ['--check', '--log-level=warn', '.']));
  if (withContracts) counts.push(await hardhat());
  return counts;
}

const counts: Count[] = [];
if (patterns.length > 0) counts.push(await vitest());
else {
  // Both sides need the contracts' artifacts. Tests wait for nodes, servers and pages, so that a core has time for the checks.
  if (withContracts) counts.push(await check('hardhat', ['build']));
  counts.push(...(await Promise.all([vitest(), checksOneByOne()])).flat());
}

const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
