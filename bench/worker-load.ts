/**
 * The worker under load: `wrangler dev` on loopback, asked by simulated clients, each from an address of its own in
 * 127.0.0.0/8 so that the limits of wrangler.toml stand as they are.
 * Run: node bench/worker-load.ts [requests a route: 300] [proof file …].
 *
 * Prints requests a second, latencies and the resident memory of workerd: for each look-up, for verifications of real
 * proofs (whole, and with their last byte changed: all of the work, and a refusal), and for look-ups and good submissions
 * while a flood of bad bodies comes in. Clients, proxy and worker share this machine's cores.
 */
import { Agent, request } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

import { startWorker } from '../prover/service/dev-server.ts';
import { microRun, proveStatement } from '../test/support/micro-run.ts';
import { Hostile, type Bytes } from '../test/worker/hostile.ts';

const amount = Number(process.argv[2] ?? 300);
const files = process.argv.slice(3);
/** Seconds that one measurement may take. */
const LONGEST = 30;
/** Runs that are proven, of two segments each. */
const RUNS = 4;
/** Floods of as many bad bodies as requests a route. */
const ROUNDS = 6;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Bytes;
  readonly type?: string;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

let addresses = 0;
/** A client with an address that no other has. */
function client(): Agent {
  addresses++;
  const localAddress = `127.${1 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`;
  return new Agent({ keepAlive: true, maxSockets: 1, localAddress });
}

function ask(
  url: string,
  agent: Agent,
  { method, path, body, type = 'application/octet-stream' }: Call,
): Promise<Reply> {
  return new Promise((found, fail) => {
    const headers = body === undefined ? {} : { 'content-type': type, 'content-length': body.length };
    const sent = request(new URL(path, url), { method, agent, headers, timeout: 120_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => found({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      response.on('error', fail);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in two minutes')));
    sent.on('error', fail);
    sent.end(body);
  });
}

interface Measured {
  readonly milliseconds: number[];
  readonly seconds: number;
  readonly statuses: Map<number, number>;
}

interface Plan {
  /** Clients that ask one after the other, each by itself. */
  readonly clients: number;
  readonly requests: number;
  /** Requests after which a client gets another address; the limits are for a minute. */
  readonly perAddress?: number;
  /** Ends it early. */
  readonly until?: () => boolean;
  readonly call: (i: number) => Call;
}

async function measure(
  url: string,
  { clients, requests, perAddress = Infinity, until = () => false, call }: Plan,
): Promise<Measured> {
  const milliseconds: number[] = [];
  const statuses = new Map<number, number>();
  const began = performance.now();
  let next = 0;
  const late = (): boolean => performance.now() - began > 1000 * LONGEST;
  const one = async (): Promise<void> => {
    let agent = client();
    for (let asked = 1; next < requests && !until() && !late(); asked++) {
      const from = performance.now();
      const { status } = await ask(url, agent, call(next++));
      milliseconds.push(performance.now() - from);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (asked % perAddress === 0) {
        agent.destroy();
        agent = client();
      }
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: clients }, one));
  return { milliseconds, seconds: (performance.now() - began) / 1000, statuses };
}

const text = (ms: number): string => ms.toFixed(ms < 10 ? 1 : 0);

function row(what: string, { milliseconds, seconds, statuses }: Measured) {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (p: number): string => text(sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? NaN);
  const told = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status} × ${count}`);
  return {
    what,
    'a second': text(sorted.length / seconds),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    answers: told.join(', '),
  };
}

/** Children of a process, and theirs. */
function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1])] as const];
      } catch {
        return [];
      }
    });
  const of = (each: number): number[] =>
    parents.filter(([, parent]) => parent === each).flatMap(([id]) => [id, ...of(id)]);
  return of(pid);
}

/** Resident memory of this process's workerd processes, MiB: wrangler runs one for its proxy and one for the worker. */
function resident(): string {
  const sizes = descendants(process.pid).flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      if (!status.startsWith('Name:\tworkerd')) return [];
      return [Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)];
    } catch {
      return [];
    }
  });
  return sizes.sort((a, b) => b - a).join(' + ');
}

const memory = (when: string): void => console.log(`resident memory of workerd ${when}: ${resident()} MiB`);

/** A real proof with another last byte and other bytes before it: a refusal by the last check. */
function changed(proof: Bytes, i: number): Bytes {
  const out = proof.slice();
  new DataView(out.buffer).setUint32(out.length - 4, 0xa5a50000 + i);
  return out;
}

console.log(`${cpus().length} × ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
const proofs: Bytes[] = [];
for (let i = 0; i < RUNS; i++)
  for (const { statement, witness } of await microRun(String(i).repeat(64)))
    proofs.push(Uint8Array.from(await proveStatement(statement, witness)));
const given = files.map((file) => Uint8Array.from(readFileSync(file)));

const stateDir = await mkdtemp(join(tmpdir(), 'zklora-load-'));
const worker = await startWorker({ attesterKey: `0x${'a7'.repeat(32)}`, stateDir });
const { url } = worker;
try {
  const verify = (body: Bytes): Call => ({ method: 'POST', path: '/verify', body });
  const json = (path: string, value: object): Call => ({
    method: 'POST',
    path,
    body: Uint8Array.from(Buffer.from(JSON.stringify(value))),
    type: 'application/json',
  });
  memory('at the start');

  const kept = proofs.splice(0, 2);
  const first = await measure(url, { clients: 1, requests: kept.length, call: (i) => verify(kept[i]) });
  const { body } = await ask(url, client(), verify(kept[1]));
  const { proofDigest, runId, statement } = JSON.parse(body.toString()) as {
    proofDigest: string;
    runId: string;
    statement: { segment: { adapterOut: string } };
  };
  const root = statement.segment.adapterOut;
  const ids = Array.from({ length: 100 }, (_, i) => (i === 0 ? root : i.toString(16).padStart(64, '0')));
  const reads: [string, Call][] = [
    ...['/healthz', '/verifiers', `/proofs/${proofDigest}`, `/proofs/${proofDigest}/raw`, `/runs/${runId}`].map(
      (path): [string, Call] => [path.replace(/[0-9a-f]{64}/, '{id}'), { method: 'GET', path }],
    ),
    ['/adapters/{id}', { method: 'GET', path: `/adapters/${root}` }],
    ['/adapters/{id}, unknown', { method: 'GET', path: `/adapters/${ids[1]}` }],
    ['/badge/{id}.svg', { method: 'GET', path: `/badge/${root}.svg` }],
    ['/adapters/lookup, 1 id', json('/adapters/lookup', { ids: [root] })],
    ['/adapters/lookup, 100 ids', json('/adapters/lookup', { ids })],
    ['/?q={id}', { method: 'GET', path: `/?q=${root}` }],
    ['/openapi.json', { method: 'GET', path: '/openapi.json' }],
    ['/docs', { method: 'GET', path: '/docs' }],
  ];
  const lookups = [];
  for (const [what, call] of reads)
    lookups.push(row(what, await measure(url, { clients: 8, requests: amount, perAddress: 250, call: () => call })));
  console.log('\nLook-ups, 8 clients at a time; milliseconds');
  console.table(lookups);
  memory('after look-ups');

  console.log('\nPOST /verify, 1 client; milliseconds');
  const verifications = [row(`${kept[0].length} bytes, the first two after the start`, first)];
  const few = Math.min(30, amount);
  const refused = (proof: Bytes): Promise<Measured> =>
    measure(url, { clients: 1, requests: few, perAddress: 20, call: (i) => verify(changed(proof, i)) });
  verifications.push(row(`${kept[1].length} bytes, last byte changed`, await refused(kept[1])));
  const again = { clients: 1, requests: few, perAddress: 20, call: () => verify(kept[1]) };
  verifications.push(row(`${kept[1].length} bytes, stored before`, await measure(url, again)));
  for (const proof of given) {
    verifications.push(
      row(`${proof.length} bytes`, await measure(url, { clients: 1, requests: 1, call: () => verify(proof) })),
    );
    verifications.push(row(`${proof.length} bytes, last byte changed`, await refused(proof)));
  }
  console.table(verifications);
  memory('after verifications');

  const adapter = { method: 'GET', path: `/adapters/${root}` } as const;
  const quiet = await measure(url, { clients: 4, requests: amount, call: () => adapter });
  const half = proofs.splice(0, proofs.length >> 1);
  const good = await measure(url, { clients: 1, requests: half.length, call: (i) => verify(half[i]) });
  let over = false;
  const hostile = new Hostile(1);
  const bad = (i: number): Call =>
    verify(
      [
        () => changed(kept[1], i),
        () => changed(hostile.flipped(kept[0]), i),
        () => hostile.resized(kept[1]),
        () => hostile.stated(kept[0]),
        () => Uint8Array.from(Buffer.alloc(2 ** 20, i)),
      ][i % 5](),
    );
  const flood = measure(url, { clients: 16, requests: Infinity, perAddress: 25, until: () => over, call: bad });
  const looking = measure(url, { clients: 4, requests: amount, until: () => over, call: () => adapter });
  const submitted = await measure(url, { clients: 1, requests: proofs.length, call: (i) => verify(proofs[i]) });
  const looked = await looking;
  over = true;
  console.log('\nWith and without a flood of bad bodies by 16 clients; milliseconds');
  console.table([
    row('look-ups, 4 clients', quiet),
    row('look-ups, 4 clients, in the flood', looked),
    row('good proofs, 1 client', good),
    row('good proofs, 1 client, in the flood', submitted),
    row('the flood', await flood),
  ]);
  memory('after the flood');
  // Whether memory grows with every request, or levels off.
  for (let round = 1; round <= ROUNDS; round++) {
    const { seconds } = await measure(url, { clients: 16, requests: amount, perAddress: 25, call: bad });
    memory(`after ${round * amount} more bad bodies, ${text(amount / seconds)} a second`);
  }
} finally {
  await worker.stop();
  await rm(stateDir, { recursive: true, force: true });
}
