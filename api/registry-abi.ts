/**
 * What `contracts/AdapterRegistry.sol` tells of one record, for the worker and the command line; the whole interface is
 * `prover/chain/abi.ts`, which includes this and is compared with the compiler's. Written out, since a worker need not
 * carry a parser of signatures.
 */
const id = [{ name: 'id', type: 'bytes32' }] as const;

export const RECORD_VIEWS = [
  {
    type: 'function',
    name: 'anchorOf',
    stateMutability: 'view',
    inputs: id,
    outputs: [
      {
        type: 'tuple',
        components: [
          { name: 'attester', type: 'address' },
          { name: 'issuedAt', type: 'uint40' },
          { name: 'anchoredAt', type: 'uint40' },
          { name: 'status', type: 'uint8' },
        ],
      },
    ],
  },
  { type: 'function', name: 'endedAt', stateMutability: 'view', inputs: id, outputs: [{ type: 'uint40' }] },
  { type: 'function', name: 'parentOf', stateMutability: 'view', inputs: id, outputs: [{ type: 'bytes32' }] },
  { type: 'function', name: 'statusOf', stateMutability: 'view', inputs: id, outputs: [{ type: 'uint8' }] },
  { type: 'function', name: 'successorOf', stateMutability: 'view', inputs: id, outputs: [{ type: 'bytes32' }] },
] as const;

/** The contract's enum `Status`, in its order. */
export const RECORD_STATUSES = ['unknown', 'anchored', 'superseded', 'revoked'] as const;
