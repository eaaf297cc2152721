/** A way to a real node that can be cut: for requests alone, or for answers after the node has had the request. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Proxy {
  readonly url: string;
  /** Every connection is closed at once. */
  away: boolean;
  /** The answer to this method is lost. */
  loses: string | undefined;
  close(): Promise<void>;
}

/** @param target URL of the node */
export async function proxyTo(target: string): Promise<Proxy> {
  const state = { away: false, loses: undefined as string | undefined };
  const server = createServer((request, response) => {
    const forward = async () => {
      const body = await text(request);
      if (state.away) return response.destroy();
      const answer = await fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      const content = await answer.text();
      if (state.loses !== undefined && body.includes(state.loses)) return response.destroy();
      return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(content);
    };
    forward().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
