import { parseAbi } from 'viem';

import { RECORD_VIEWS } from '../../api/registry-abi.ts';

const OTHERS = parseAbi([
  'struct AdapterRecord { bytes32 runId; bytes32 runDigest; bytes32 adapterRoot; bytes32 baseRoot; bytes32 dataRoot; address owner; uint64 steps; bytes32 verifier; }',
  'struct Attestation { address attester; uint64 issuedAt; bytes signature; }',
  'struct OwnerConsent { uint256 nonce; uint256 deadline; bytes signature; }',
  'struct Batch { uint40 anchoredAt; uint32 count; }',

  'constructor()',

  'error AlreadyAnchored(bytes32 id)',
  'error AlreadyAttested(bytes32 id, address attester)',
  'error AlreadyRevoked(bytes32 id)',
  'error AlreadySuccessor(bytes32 id, bytes32 parent)',
  'error AttestationFromFuture(uint64 issuedAt, uint256 blockTime)',
  'error AttesterMismatch(address claimed, address recovered)',
  'error AttestersNotAscending(uint256 index)',
  'error BatchAlreadyAnchored(address owner, bytes32 root)',
  'error ConsentExpired(uint256 deadline, uint256 blockTime)',
  'error EmptyBatch()',
  'error InvalidAccountNonce(address account, uint256 currentNonce)',
  'error InvalidConsent(address owner)',
  'error InvalidShortString()',
  'error InvalidSignature()',
  'error NotAnchored(bytes32 id, uint8 status)',
  'error NotRecordOwner(address sender, address owner)',
  'error NotSupersedable(bytes32 id, uint8 status)',
  'error StringTooLong(string str)',
  'error SupersedesItself(bytes32 id)',
  'error ZeroThreshold()',

  'event AdapterAnchored(bytes32 indexed id, bytes32 indexed adapterRoot, address indexed owner, bytes32 runId, bytes32 runDigest, bytes32 baseRoot, bytes32 dataRoot, uint64 steps, bytes32 verifier, address attester, uint64 issuedAt)',
  'event AdapterAttested(bytes32 indexed id, address indexed attester, uint64 issuedAt)',
  'event AdapterRevoked(bytes32 indexed id, address indexed owner)',
  'event AdapterSuperseded(bytes32 indexed id, bytes32 indexed successor, address indexed owner)',
  'event BatchAnchored(bytes32 indexed root, address indexed owner, uint32 count)',
  'event ConsentCancelled(address indexed owner, uint256 nonce)',
  'event EIP712DomainChanged()',

  'function MAX_CLOCK_SKEW() view returns (uint256)',
  'function anchor(AdapterRecord record, Attestation attestation) returns (bytes32 id)',
  'function anchorBatch(bytes32 root, uint32 count)',
  'function anchorFor(AdapterRecord record, Attestation attestation, OwnerConsent consent) returns (bytes32 id)',
  'function attest(AdapterRecord record, Attestation attestation) returns (bytes32 id)',
  'function attestationDigest(AdapterRecord record, uint64 issuedAt) pure returns (bytes32)',
  'function attestationOf(bytes32 id, address attester) view returns (uint40 issuedAt, uint40 recordedAt)',
  'function batchOf(address owner, bytes32 root) view returns (Batch)',
  'function cancelConsents()',
  'function consentDigest(AdapterRecord record, address attester, uint256 nonce, uint256 deadline) view returns (bytes32)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
  'function idOf(AdapterRecord record) pure returns (bytes32)',
  'function isAnchored(bytes32 id) view returns (bool)',
  'function isAttested(bytes32 id, address[] attesters, uint256 threshold) view returns (bool)',
  'function isAttestedBy(bytes32 id, address attester) view returns (bool)',
  'function nonces(address owner) view returns (uint256)',
  'function revoke(AdapterRecord record) returns (bytes32 id)',
  'function supersede(AdapterRecord older, AdapterRecord newer)',
  'function supportsInterface(bytes4 interfaceId) view returns (bool)',
  'function verifyAttestation(AdapterRecord record, Attestation attestation) view returns (bool)',
  'function verifyInclusion(bytes32 root, uint256 index, AdapterRecord record, bytes32[] proof) view returns (bool)',
]);

/** The interface of `contracts/AdapterRegistry.sol`; a test compares it with the compiler's. */
export const REGISTRY_ABI = [...RECORD_VIEWS, ...OTHERS] as const;
