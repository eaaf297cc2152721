import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, expect, test } from 'vitest';

import { LocalWorkerError } from '../../prover/service/errors.ts';
import { applyMigrations, persistDir } from '../../prover/service/wrangler.ts';

const state = mkdtempSync(join(tmpdir(), 'zklora-index-'));
const mark = join(state, 'migrations.sha256');
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** Names of the tables of all databases in the state. */
function tables(): string[] {
  const folder = join(persistDir(state), 'v3', 'd1', 'miniflare-D1DatabaseObject');
  const files = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  return files.flatMap((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    database.close();
    return rows.map((row) => String(row.name));
  });
}

test('the local index has its tables, and is looked at once', async () => {
  await applyMigrations(state);
  expect(tables()).toEqual(expect.arrayContaining(['runs', 'proofs', 'completions', 'files', 'events']));
  const applied = readFileSync(mark, 'utf8');
  expect(applied).toMatch(/^[0-9a-f]{64}$/);
  const logs = readdirSync(join(state, 'logs')).length;
  await applyMigrations(state);
  expect(readdirSync(join(state, 'logs'))).toHaveLength(logs);

  // Stopped before it could say so, or made by other migrations.
  rmSync(mark);
  await applyMigrations(state);
  expect(readFileSync(mark, 'utf8')).toBe(applied);
  writeFileSync(mark, '0'.repeat(64));
  await expect(applyMigrations(state)).rejects.toThrow(/another version; remove that folder/);
});

test('a folder in which nothing can be made is named', async () => {
  const file = join(state, 'a-file');
  writeFileSync(file, '');
  await expect(applyMigrations(file)).rejects.toThrow(LocalWorkerError);
  expect(existsSync(join(file, 'migrations.sha256'))).toBe(false);
});
