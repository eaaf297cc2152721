import { globSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { PROBLEM_CODES, PROTOCOL_CODES, SERVICE_CODES } from '../../api/problem-codes.ts';

/** What a pattern's first group finds in all sources of a folder. */
function found(folder: string, pattern: RegExp): Set<string> {
  const sources = globSync(`${folder}/**/*.ts`).map((file) => readFileSync(file, 'utf8'));
  return new Set(sources.flatMap((source) => [...source.matchAll(pattern)].map(([, name]) => name)));
}

const CAPITALS = /'([A-Z][A-Z0-9]{3,}(?:_[A-Z0-9]+)*|[A-Z0-9]+(?:_[A-Z0-9]+)+)'/g;
/** `located` makes these of the document's name. */
const COMPOSED = ['STATEMENT_FIELD'];

test('every code of the protocol’s sources is listed, and no other', () => {
  expect([...found('protocol', CAPITALS), ...COMPOSED].sort()).toEqual(Object.keys(PROTOCOL_CODES).sort());
});

test('every code of the worker’s problems is listed', () => {
  const codes = found('worker', /\bcode: '([A-Z_]+)'/g);
  expect(codes.size).toBeGreaterThan(10);
  for (const code of codes) expect(Object.keys(SERVICE_CODES)).toContain(code);
});

test('each has a meaning of its own', () => {
  const meanings = Object.values(PROBLEM_CODES);
  expect(new Set(meanings).size).toBe(meanings.length);
  for (const meaning of meanings) expect(meaning).toMatch(/^[A-Z].*\.$/);
});
