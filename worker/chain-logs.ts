/** What a registry's log tells, asked of an Ethereum node. A log is a hint: what holds is told by the registry's views. */
import { toEventSelector } from 'viem/utils';
import { z } from 'zod';

import type { Hex } from '../protocol/attestation.ts';
import {
  askNode,
  ChainReadError,
  NodeRefusedError,
  quantity,
  type ChainSettings,
  type RecordStatus,
} from './chain-node.ts';

/** The events by which a record's status changes, and to what; the id is the first indexed argument of each. */
export const STATUS_EVENTS = {
  'AdapterAnchored(bytes32,bytes32,address,bytes32,bytes32,bytes32,bytes32,uint64,bytes32,address,uint64)': 'anchored',
  'AdapterSuperseded(bytes32,bytes32,address)': 'superseded',
  'AdapterRevoked(bytes32,address)': 'revoked',
} as const satisfies Record<string, RecordStatus>;

const STATUSES: ReadonlyMap<string, RecordStatus> = new Map(
  Object.entries(STATUS_EVENTS).map(([signature, status]) => [toEventSelector(signature), status]),
);

/** A change of a record's status. */
export interface RecordLog {
  readonly id: Hex;
  readonly status: RecordStatus;
  readonly block: number;
}

/** JSON-RPC: there is no such method. */
const NO_METHOD = -32601;

const log = z.object({
  address: z.string(),
  topics: z.array(z.string().regex(/^0x[0-9a-fA-F]{64}$/)).max(4),
  blockNumber: quantity,
});
const logs = z.array(log);

/** Number of the latest block. @throws ChainReadError */
export async function readHead(settings: ChainSettings): Promise<number> {
  const [result] = await askNode(settings, [{ method: 'eth_blockNumber', params: [] }]);
  const { data, success } = quantity.safeParse(result);
  if (!success) throw new ChainReadError('the node told no number of its latest block');
  return data;
}

/** Whether the node may answer where fewer blocks are asked for. */
export function wantsFewer(error: unknown): boolean {
  return error instanceof NodeRefusedError && error.code !== NO_METHOD;
}

/**
 * Changes of records in these blocks, both included.
 * @throws ChainReadError, also where a log is not of what was asked; see `wantsFewer`
 */
export async function readLogs(settings: ChainSettings, from: number, to: number): Promise<RecordLog[]> {
  const hex = (block: number): string => `0x${block.toString(16)}`;
  const { registry } = settings;
  const filter = { address: registry, topics: [[...STATUSES.keys()]], fromBlock: hex(from), toBlock: hex(to) };
  const [result] = await askNode(settings, [{ method: 'eth_getLogs', params: [filter] }]);
  const { data, success } = logs.safeParse(result);
  if (!success) throw new ChainReadError('the node answered logs of another form');
  return data.map(({ address, topics: [event, id], blockNumber: block }) => {
    const status = STATUSES.get(event?.toLowerCase());
    const asked = address.toLowerCase() === registry.toLowerCase() && block >= from && block <= to;
    if (!asked || status === undefined || id === undefined)
      throw new ChainReadError('the node answered logs that were not asked for');
    return { id: id.toLowerCase() as Hex, status, block };
  });
}
