import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { IndexBrokenOffError, indexPages } from '../../prover/operate/index-pages.ts';
import { ServiceAnswerError, ServiceUnreachableError } from '../../prover/service/errors.ts';

/** What a service that breaks off answers to each request in turn; null: it hangs up. */
let pages: (object | null)[];
let asked: string[];
let server: Server;
let to: string;
let output: string;

beforeEach(async () => {
  [pages, asked, output] = [[], [], ''];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const page = pages.shift() ?? null;
    if (page === null) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(page));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('ZKLORA_OPERATOR_KEY', 'k'.repeat(32));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  server.close();
});

const page = (cursor: string | null, looked = 200, ...differences: string[]) => ({
  ...{ cursor, looked, written: differences.length },
  differences: differences.map((key) => ({ key, what: 'lacks its row' })),
});

describe('the pages of the index', () => {
  test('are asked for until there is none, with the cursor of the one before', async () => {
    pages = [page('["runs/"]'), page('b&c'), page(null, 7)];
    expect(await indexPages('mend', { to, json: false })).toBe(0);
    const bearer = `Bearer ${'k'.repeat(32)}`;
    expect(asked).toEqual(
      ['', '&cursor=%5B%22runs%2F%22%5D', '&cursor=b%26c'].map(
        (query) => `POST /operator/index?mode=mend${query} ${bearer}`,
      ),
    );
    expect(output).toBe('407 objects looked at, 0 differences, 0 rows written\n');
  });

  test('differences are listed; they are the exit status of a check, not of a rebuild', async () => {
    const all = [page('a', 200, 'runs/1.json'), page(null, 1, 'files/2.json')];
    pages = [...all];
    expect(await indexPages('check', { to, json: false })).toBe(1);
    expect(output).toMatch(/runs\/1\.json +lacks its row\nfiles\/2\.json +lacks its row\n201 objects/);
    pages = [...all];
    output = '';
    expect(await indexPages('mend', { to, json: true })).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      looked: 201,
      written: 2,
      differences: [{ key: 'runs/1.json' }, { key: 'files/2.json' }],
    });
  });

  test('a walk that breaks off tells where to go on, and goes on there', async () => {
    pages = [page('[\'a\'"b"]'), null];
    const error = await indexPages('mend', { to, json: false }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(IndexBrokenOffError);
    const { cursor, next, message } = error as IndexBrokenOffError;
    expect(cursor).toBe('[\'a\'"b"]');
    expect(message).toContain('after 200 objects');
    // As a shell reads it.
    expect(next).toContain(`index rebuild --to ${to} --cursor '['\\''a'\\''"b"]'`);
    pages = [page(null, 3)];
    expect(await indexPages('mend', { to, json: false, cursor: cursor! })).toBe(0);
    expect(asked.at(-1)).toContain(`cursor=${new URLSearchParams({ c: cursor! }).toString().slice(2)}`);
  });

  test('a service that does not answer at all, or not as one', async () => {
    pages = [null];
    await expect(indexPages('check', { to, json: false })).rejects.toThrow(ServiceUnreachableError);
    pages = [{ cursor: 5 }];
    await expect(indexPages('check', { to, json: false })).rejects.toThrow(ServiceAnswerError);
  });

  test('an interrupt ends it behind a page', async () => {
    pages = [page('a'), page('b')];
    const running = indexPages('check', { to, json: false });
    process.emit('SIGINT');
    await expect(running).rejects.toThrow(/broke off after 200 objects: interrupted/);
    expect(asked).toHaveLength(1);
  });
});
