/** What a hostile service can't do to whoever asks it. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

import { afterEach, describe, expect, test } from 'vitest';

import { explain } from '../../prover/explain.ts';
import { fetchProofBytes, fetchVerifiers } from '../../prover/service/client.ts';
import { ServiceAnswerError, ServiceRefusalError, ServiceUnreachableError } from '../../prover/service/errors.ts';
import { submitProof } from '../../prover/service/submit.ts';
import { root } from '../support/statements.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** The URL of a service that does this. */
async function hostile(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('a service', () => {
  test.each([301, 302, 307, 308])('does not send a key on to another by %i', async (status) => {
    const seen: (string | undefined)[] = [];
    const other = await hostile((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const url = await hostile((_, response) => response.writeHead(status, { location: `${other}/verify` }).end());
    const error = await thrown(submitProof(url, new Uint8Array(3), { key: 'zkl_secret' }));
    expect(error).toBeInstanceOf(ServiceUnreachableError);
    expect(seen).toEqual([]);
  });

  test('does not fill the memory', async () => {
    const piece = Buffer.alloc(2 ** 20, ' ');
    let sent = 0;
    const url = await hostile((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && sent < 2 ** 10) {
          sent++;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    for (const ask of [() => fetchVerifiers(url), () => fetchProofBytes(url, root(1))]) {
      sent = 0;
      expect(await thrown(ask())).toBeInstanceOf(ServiceAnswerError);
      expect(sent).toBeLessThan(300);
    }
  });

  const ESCAPE = '\u001b]52;c;Zm9v\u0007\u009b31m\u202e';
  const COMMAND = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;

  test('does not command the terminal by a refusal', async () => {
    const problem = {
      ...{ type: 'urn:x', title: ESCAPE, status: 422, detail: `no${ESCAPE}`, code: `C${ESCAPE}`, check: ESCAPE },
      ...{ next: ESCAPE, evidence: { [ESCAPE]: ESCAPE } },
    };
    const url = await hostile((_, response) =>
      response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem)),
    );
    const error = await thrown(submitProof(url, new Uint8Array(3)));
    expect(error).toBeInstanceOf(ServiceRefusalError);
    for (const verbose of [false, true]) expect(explain(error, { verbose })).not.toMatch(COMMAND);
    expect(explain(error, { verbose: false })).toContain('refused with 422 C\ufffd]52');
  });

  test.each([
    ['text', 200, `oops ${ESCAPE}`],
    ['an error page', 500, `oops ${ESCAPE}`],
    ['another object', 200, JSON.stringify({ current: ESCAPE, [ESCAPE]: 1 })],
  ])('does not command the terminal by %s', async (_, status, body) => {
    const url = await hostile((__, response) => response.writeHead(status).end(body));
    const error = await thrown(fetchVerifiers(url));
    expect(error).toBeInstanceOf(ServiceAnswerError);
    expect(explain(error, { verbose: false })).not.toMatch(COMMAND);
  });

  test('does not command the terminal by what it answers', async () => {
    const digest = root(7);
    const verifier = { id: ESCAPE, version: '1', codeHash: digest, digest, withdrawn: { at: 1, reason: ESCAPE } };
    const answer = { current: digest, verifiers: [verifier], attester: null, attesters: [] };
    const url = await hostile((_, response) => response.end(JSON.stringify(answer)));
    expect(JSON.stringify(await fetchVerifiers(url))).not.toMatch(COMMAND);
  });
});
