/** What the command line says to names of files and folders that are none of its kind, and to Ctrl-C. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { command, startCommand } from '../support/command.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

const folder = mkdtempSync(join(tmpdir(), 'zklora-arguments-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([['nowhere'], ['.'], ['README.md']])('submit %s: names what is missing, and what to name', async (run) => {
  const { code, stderr } = await command('submit', run, '--to', 'http://127.0.0.1:9');
  expect(code).toBe(1);
  expect(stderr).toContain('run.json: is not there\nName the folder of a run');
});

test.each([['README.md'], ['docs']])('check %s: names the file that it looks for', async (adapter) => {
  const { code, stderr } = await command('check', adapter);
  expect(code).toBe(1);
  expect(stderr).toContain(`${adapter}/zklora.json: is not there\nName the directory that holds it`);
});

test('submit that got Ctrl-C says how to go on', async () => {
  const about = { format: 1, name: 'sample', model: 'model', baseDigest: '00'.repeat(32), givenAdapter: false };
  const text = JSON.stringify({ ...about, evalEvery: 0, checkpointEvery: 1, run: SAMPLE_RUN });
  mkdirSync(join(folder, 'proofs'));
  writeFileSync(join(folder, 'run.json'), text);
  writeFileSync(join(folder, 'proofs/segment-00000000-1.zklora'), 'zkLR');
  // A service that has not answered yet.
  const service = createServer().listen(0, '127.0.0.1');
  await once(service, 'listening');
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const { child, finished } = startCommand('submit', folder, '--to', url);
  await once(service, 'request');
  child.kill('SIGINT');
  const { code, stderr } = await finished;
  service.close();
  expect([code, stderr]).toEqual([130, `Stopped. Go on with: ./zklora submit ${folder} --to ${url}\n`]);
});
