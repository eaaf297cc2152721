import { parseAbi } from 'viem';

/** The interface of `contracts/AdapterDirectory.sol`; a test compares it with the compiler's. */
export const ADAPTER_DIRECTORY_ABI = parseAbi([
  'struct AdapterRecord { bytes32 runId; bytes32 runDigest; bytes32 adapterRoot; bytes32 baseRoot; bytes32 dataRoot; address owner; uint64 steps; bytes32 verifier; }',

  'constructor(address registry_)',

  'error AlreadyPublished(bytes32 id)',
  'error NeverAnchored(bytes32 id)',
  'error NotPublished(bytes32 id)',
  'error ZeroRegistry()',

  'event RecordPublished(bytes32 indexed id, bytes32 indexed adapterRoot, address indexed owner)',

  'function anchoredAt(bytes32 id) view returns (uint40)',
  'function baseOf(bytes32 id) view returns (bytes32)',
  'function commitmentOf(bytes32 id) view returns (bytes32)',
  'function dataOf(bytes32 id) view returns (bytes32)',
  'function isPublished(bytes32 id) view returns (bool)',
  'function ownerOf(bytes32 id) view returns (address)',
  'function publish(AdapterRecord record) returns (bytes32 id)',
  'function recordOf(bytes32 id) view returns (AdapterRecord)',
  'function registry() view returns (address)',
  'function runDigestOf(bytes32 id) view returns (bytes32)',
  'function statusOf(bytes32 id) view returns (uint8)',
  'function supportsInterface(bytes4 interfaceId) view returns (bool)',
]);
