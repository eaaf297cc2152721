/**
 * Whom the worker's tests reach: all that the worker fetches comes here, in Node, and nothing leaves the machine.
 * `https://NAME.hooks.example.com/…` is a subscriber who notes what comes and does what the path says;
 * `https://notes.example.com/NAME` tells a test what came; `https://node.example.com/SCRIPT` is a node of a chain that
 * misbehaves, or says what the test put into the query.
 */
export interface Note {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const notes = new Map<string, Note[]>();

interface Incoming {
  readonly method: string;
  readonly url: string;
  readonly headers: Iterable<[string, string]>;
  text(): Promise<string>;
}

const never = (): Promise<Response> => new Promise(() => {});

/** /status/N · /redirect/TO · /slow · /fail-once · /long */
function behave(url: URL, before: number): Response | Promise<Response> {
  const [what, value] = url.pathname.slice(1).split('/');
  if (what === 'status') return new Response(value === '204' ? null : 'whatever', { status: Number(value) });
  if (what === 'redirect') return Response.redirect(`https://${value}.hooks.example.com/status/200`, 302);
  if (what === 'slow') return never();
  if (what === 'fail-once') return new Response(null, { status: before === 0 ? 500 : 204 });
  return new Response(null, { status: 204 });
}

interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly [{ readonly data: string }];
}

/**
 * Answers a batch: the chain's id, for each call what the query says of its selector, or of `default`, and for other
 * methods the JSON that it says of their name.
 */
function nodeAnswer(url: URL, body: string): Response | Promise<Response> {
  const script = url.pathname.slice(1);
  if (script === 'slow') return never();
  if (script === 'status') return new Response('no', { status: 503 });
  if (script === 'text') return new Response('<html>');
  if (script === 'redirect') return Response.redirect('https://node.example.com/says?chain=0x7a69', 307);
  if (script === 'one')
    return Response.json({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no batches' } });
  const requests = JSON.parse(body) as RpcRequest[];
  const said = url.searchParams;
  const answers = requests.map(({ id, method, params }) => {
    if (method === 'eth_chainId') return { jsonrpc: '2.0', id, result: said.get('chain') };
    if (method !== 'eth_call') {
      const json = said.get(method);
      if (json === null) return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } };
      return { jsonrpc: '2.0', id, result: JSON.parse(json) as unknown };
    }
    const result = said.get(params[0].data.slice(0, 10)) ?? said.get('default');
    if (result === null) return { jsonrpc: '2.0', id, error: { code: 3, message: 'reverted' } };
    return { jsonrpc: '2.0', id, result };
  });
  // Nodes may answer in any order.
  return Response.json(script === 'few' ? answers.slice(1) : answers.reverse());
}

/** The outbound service of the worker's tests. */
export async function outbound(request: Incoming): Promise<Response> {
  const url = new URL(request.url);
  const [name, ...zone] = url.hostname.split('.');
  if (url.hostname === 'notes.example.com') return Response.json(notes.get(url.pathname.slice(1)) ?? []);
  const note = {
    method: request.method,
    url: url.href,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  };
  const kept = notes.get(name) ?? [];
  notes.set(name, [...kept, note]);
  if (zone.join('.') === 'hooks.example.com') return behave(url, kept.length);
  if (url.hostname === 'node.example.com') return nodeAnswer(url, note.body);
  return new Response(`tests reach nobody at ${url.hostname}`, { status: 502 });
}
