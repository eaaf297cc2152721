import { parseAbi } from 'viem';

/** The interface of `contracts/AdapterRegistry.sol`; a test compares it with the compiler's. */
export const REGISTRY_ABI = parseAbi([
  'struct AdapterRecord { bytes32 runId; bytes32 runDigest; bytes32 adapterRoot; bytes32 baseRoot; bytes32 dataRoot; address owner; uint64 steps; bytes32 verifier; }',
  'struct Attestation { address attester; uint64 issuedAt; bytes signature; }',
  'struct Anchor { address attester; uint40 issuedAt; uint40 anchoredAt; uint8 status; }',

  'error AlreadyAnchored(bytes32 id)',
  'error AttestationFromFuture(uint64 issuedAt, uint256 blockTime)',
  'error AttesterMismatch(address claimed, address recovered)',
  'error InvalidSignature()',
  'error NotRecordOwner(address sender, address owner)',

  'event AdapterAnchored(bytes32 indexed id, bytes32 indexed adapterRoot, address indexed owner, bytes32 runId, bytes32 runDigest, bytes32 baseRoot, bytes32 dataRoot, uint64 steps, bytes32 verifier, address attester, uint64 issuedAt)',
  'event EIP712DomainChanged()',

  'function MAX_CLOCK_SKEW() view returns (uint256)',
  'function anchor(AdapterRecord record, Attestation attestation) returns (bytes32 id)',
  'function anchorOf(bytes32 id) view returns (Anchor)',
  'function attestationDigest(AdapterRecord record, uint64 issuedAt) pure returns (bytes32)',
  'function eip712Domain() pure returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
  'function idOf(AdapterRecord record) pure returns (bytes32)',
  'function isAnchored(bytes32 id) view returns (bool)',
  'function isAttestedBy(bytes32 id, address attester) view returns (bool)',
  'function supportsInterface(bytes4 interfaceId) view returns (bool)',
]);
