/** What a registry says of records, asked of an Ethereum node by JSON-RPC. */
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils';
import { z } from 'zod';

import { RECORD_STATUSES, RECORD_VIEWS } from '../api/registry-abi.ts';
import { checksumAddress, type Hex } from '../protocol/attestation.ts';
import { SettingError, type Env } from './env.ts';

/** Where a registry is asked. */
export interface ChainSettings {
  /** May hold a secret: it is in no message. */
  readonly rpcUrl: string;
  readonly chainId: number;
  /** ERC-55. */
  readonly registry: Hex;
}

export type RecordStatus = (typeof RECORD_STATUSES)[number];

/** What a registry has under an id; null where the contract has zero. Times are seconds since 1970. */
export interface RegistryRecord {
  readonly status: RecordStatus;
  readonly attester: Hex | null;
  readonly anchoredAt: number | null;
  readonly endedAt: number | null;
  readonly successor: Hex | null;
  readonly parent: Hex | null;
}

/** The node did not answer, or not as a node with this registry does. The message names neither URL nor key. */
export class ChainReadError extends Error {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`the chain could not be read: ${reason}`, options);
    this.name = new.target.name;
    this.reason = reason;
  }
}

/** Milliseconds that a node may take. */
const PATIENCE = 5_000;
/** Calls in one request; nodes take a hundred or more. */
const BATCH = 80;

type View = (typeof RECORD_VIEWS)[number]['name'];

interface Call {
  readonly view: View;
  readonly id: Hex;
}

const reply = z.object({
  id: z.int(),
  result: z
    .string()
    .regex(/^0x[0-9a-fA-F]*$/)
    .optional(),
  error: z.object({ message: z.string() }).optional(),
});
const replies = z.array(reply);

/**
 * The node, chain and registry that are set; null where none is.
 * @throws SettingError where some are missing, or one is malformed
 */
export function chainSettings(env: Env): ChainSettings | null {
  const { CHAIN_RPC_URL: rpcUrl = '', CHAIN_ID: chain = '', REGISTRY_ADDRESS: registry = '' } = env;
  if (rpcUrl === '' && chain === '' && registry === '') return null;
  // The URL is not shown: providers put keys into it.
  const url = URL.parse(rpcUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new SettingError(
      'CHAIN_RPC_URL',
      'is no http or https URL; CHAIN_RPC_URL, CHAIN_ID, REGISTRY_ADDRESS go together',
    );
  if (!/^[1-9][0-9]{0,14}$/.test(chain)) throw new SettingError('CHAIN_ID', `"${chain}" is no chain id`);
  if (!/^0x[0-9a-fA-F]{40}$/.test(registry))
    throw new SettingError('REGISTRY_ADDRESS', `"${registry}" is no address: expected 0x and 40 hexadecimal digits`);
  return { rpcUrl, chainId: Number(chain), registry: checksumAddress(registry as Hex) };
}

async function post(rpcUrl: string, body: object): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      // A redirect would carry what the URL holds to somebody else.
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.ok) return await response.json();
    await response.body?.cancel();
  } catch (error) {
    // The cause names the URL.
    throw new ChainReadError(error instanceof SyntaxError ? 'the node answered no JSON' : 'the node did not answer');
  }
  throw new ChainReadError(`the node answered with status ${response.status}`);
}

/** Results of calls in one request, in their order; the node's chain is asked along. */
async function callBatch({ rpcUrl, chainId, registry }: ChainSettings, calls: readonly Call[]): Promise<Hex[]> {
  const requests = calls.map(({ view, id }) => {
    const data = encodeFunctionData({ abi: RECORD_VIEWS, functionName: view, args: [id] });
    return { method: 'eth_call', params: [{ to: registry, data }, 'latest'] };
  });
  const batch = [{ method: 'eth_chainId', params: [] }, ...requests].map((r, id) => ({ jsonrpc: '2.0', id, ...r }));
  const { data, success } = replies.safeParse(await post(rpcUrl, batch));
  if (!success || data.length !== batch.length) throw new ChainReadError('the node answered something else than asked');
  const results = new Map(data.map(({ id, result }) => [id, result]));
  const found = Number(results.get(0) ?? NaN);
  if (found !== chainId) throw new ChainReadError(`the node is of chain ${found}, not ${chainId}`);
  return calls.map((_, i) => {
    const result = results.get(i + 1);
    if (result === undefined) throw new ChainReadError('the node refused a call of the registry');
    return result as Hex;
  });
}

async function callAll(settings: ChainSettings, calls: readonly Call[]): Promise<Hex[]> {
  const starts = Array.from({ length: Math.ceil(calls.length / BATCH) }, (_, i) => i * BATCH);
  return (await Promise.all(starts.map((at) => callBatch(settings, calls.slice(at, at + BATCH))))).flat();
}

/** @throws ChainReadError where the data is none of the contract's */
function decoded<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ChainReadError) throw cause;
    throw new ChainReadError('what is at the registry’s address is no registry', { cause });
  }
}

function statusOf(code: number): RecordStatus {
  const status = RECORD_STATUSES[code];
  if (status === undefined) throw new ChainReadError(`the registry told of an unknown status ${code}`);
  return status;
}

const link = (id: Hex): Hex | null => (BigInt(id) === 0n ? null : id);
const time = (seconds: number): number | null => (seconds === 0 ? null : seconds);

/** Statuses of records, in the order of the ids. @throws ChainReadError */
export async function readStatuses(settings: ChainSettings, ids: readonly Hex[]): Promise<RecordStatus[]> {
  const results = await callAll(
    settings,
    ids.map((id): Call => ({ view: 'statusOf', id })),
  );
  const code = (data: Hex) => decodeFunctionResult({ abi: RECORD_VIEWS, functionName: 'statusOf', data });
  return results.map((data) => statusOf(decoded(() => code(data))));
}

/** What the registry has of records, in the order of the ids. @throws ChainReadError */
export async function readRecords(settings: ChainSettings, ids: readonly Hex[]): Promise<RegistryRecord[]> {
  const views = ['anchorOf', 'endedAt', 'successorOf', 'parentOf'] as const;
  const results = await callAll(
    settings,
    ids.flatMap((id) => views.map((view): Call => ({ view, id }))),
  );
  return ids.map((_, i) => {
    const [anchor, ended, next, previous] = results.slice(views.length * i, views.length * (i + 1));
    return decoded(() => {
      const read = { abi: RECORD_VIEWS } as const;
      const { attester, anchoredAt, status } = decodeFunctionResult({
        ...read,
        functionName: 'anchorOf',
        data: anchor,
      });
      return {
        status: statusOf(status),
        attester: link(attester) && checksumAddress(attester),
        anchoredAt: time(anchoredAt),
        endedAt: time(decodeFunctionResult({ ...read, functionName: 'endedAt', data: ended })),
        successor: link(decodeFunctionResult({ ...read, functionName: 'successorOf', data: next })),
        parent: link(decodeFunctionResult({ ...read, functionName: 'parentOf', data: previous })),
      };
    });
  });
}
