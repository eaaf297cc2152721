/** A way to a real node on which a test answers in the node's stead, and notes what was asked. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What a request is answered instead of what the node said; undefined: just that. A number is the status of all. */
export type Meddling = (
  request: RpcRequest,
  said: unknown,
) => { result: unknown } | { error: object } | number | undefined;

export interface MeddlingNode {
  readonly url: string;
  meddle: Meddling;
  /** Requests since the last `take`, in their order. */
  take(): RpcRequest[];
  close(): Promise<void>;
}

/** @param target URL of the node, which has to take batches */
export async function meddlingNode(target: string): Promise<MeddlingNode> {
  const seen: RpcRequest[] = [];
  const state = { meddle: (() => undefined) as Meddling };
  const server = createServer((request, response) => {
    const answer = async () => {
      const body = await text(request);
      const requests = JSON.parse(body) as RpcRequest[];
      seen.push(...requests);
      const headers = { 'content-type': 'application/json' };
      const said = (await (await fetch(target, { method: 'POST', body, headers })).json()) as {
        id: number;
        result?: unknown;
      }[];
      const answers = requests.map((each) => {
        const own = said.find(({ id }) => id === each.id);
        const instead = state.meddle(each, own?.result);
        return typeof instead === 'object' ? { jsonrpc: '2.0', id: each.id, ...instead } : (instead ?? own);
      });
      const status = answers.find((each) => typeof each === 'number') ?? 200;
      response.writeHead(status, headers).end(status === 200 ? JSON.stringify(answers) : '{}');
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    take: () => seen.splice(0, Infinity),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
