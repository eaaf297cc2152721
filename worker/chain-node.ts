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

/** The node answered that it does not answer this, or with more than is taken; it may well answer where less is asked. */
export class NodeRefusedError extends ChainReadError {
  /** Of the node's JSON-RPC error; null where it gave none. */
  readonly code: number | null;

  constructor(reason: string, code: number | null) {
    super(code === null ? reason : `${reason} (code ${code})`);
    this.code = code;
  }
}

/** Milliseconds that a node may take. */
const PATIENCE = 5_000;
/** Most bytes of an answer: ten thousand logs of revocations have some six million. */
const MAX_ANSWER = 8 * 2 ** 20;
/** Calls in one request; nodes take a hundred or more. */
const BATCH = 80;

type View = (typeof RECORD_VIEWS)[number]['name'];

interface Call {
  readonly view: View;
  readonly id: Hex;
}

/** One call of a node's JSON-RPC interface. */
export interface NodeRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

// What the node says besides the code may hold its URL, and is not looked at.
const reply = z.object({
  id: z.int(),
  result: z.unknown().optional(),
  error: z.object({ code: z.int().optional() }).optional(),
});
const replies = z.array(reply);
const returned = z.array(z.string().regex(/^0x[0-9a-fA-F]*$/));

/** A number as nodes write it, below 2^52. */
export const quantity = z
  .string()
  .regex(/^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,12})$/)
  .transform(Number);

const notAsked = (): ChainReadError => new ChainReadError('the node answered something else than asked');

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

/** @throws NodeRefusedError where it is longer than is taken */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw new NodeRefusedError(`the node answered more than ${MAX_ANSWER} bytes`, null);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
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
    if (response.ok) return JSON.parse(await textOf(response)) as unknown;
    await response.body?.cancel();
  } catch (error) {
    if (error instanceof ChainReadError) throw error;
    // The cause names the URL.
    throw new ChainReadError(error instanceof SyntaxError ? 'the node answered no JSON' : 'the node did not answer');
  }
  const reason = `the node answered with status ${response.status}`;
  // Some refuse a request by the status of their answer.
  throw response.status === 400 || response.status === 413
    ? new NodeRefusedError(reason, null)
    : new ChainReadError(reason);
}

/**
 * Results of calls sent in one request, in their order; the node's chain is asked along.
 * @throws ChainReadError; NodeRefusedError where the node answers one with an error
 */
export async function askNode(
  { rpcUrl, chainId }: ChainSettings,
  requests: readonly NodeRequest[],
): Promise<unknown[]> {
  const batch = [{ method: 'eth_chainId', params: [] }, ...requests].map((r, id) => ({ jsonrpc: '2.0', id, ...r }));
  const { data, success } = replies.safeParse(await post(rpcUrl, batch));
  if (!success || data.length !== batch.length) throw notAsked();
  const answers = new Map(data.map((answer) => [answer.id, answer]));
  const { data: found, success: isNumber } = quantity.safeParse(answers.get(0)?.result);
  if (!isNumber) throw notAsked();
  if (found !== chainId) throw new ChainReadError(`the node is of chain ${found}, not ${chainId}`);
  return requests.map(({ method }, i) => {
    const { result, error } = answers.get(i + 1) ?? {};
    if (result === undefined || result === null)
      throw new NodeRefusedError(`the node refused ${method}`, error?.code ?? null);
    return result;
  });
}

async function callBatch(settings: ChainSettings, calls: readonly Call[]): Promise<Hex[]> {
  const requests = calls.map(({ view, id }): NodeRequest => {
    const data = encodeFunctionData({ abi: RECORD_VIEWS, functionName: view, args: [id] });
    return { method: 'eth_call', params: [{ to: settings.registry, data }, 'latest'] };
  });
  const { data, success } = returned.safeParse(await askNode(settings, requests));
  if (!success) throw notAsked();
  return data as Hex[];
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
