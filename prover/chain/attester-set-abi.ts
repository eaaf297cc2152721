import { parseAbi } from 'viem';

/** The interface of `contracts/AttesterSet.sol`; a test compares it with the compiler's. */
export const ATTESTER_SET_ABI = parseAbi([
  'struct AdapterRecord { bytes32 runId; bytes32 runDigest; bytes32 adapterRoot; bytes32 baseRoot; bytes32 dataRoot; address owner; uint64 steps; bytes32 verifier; }',
  'struct Member { uint40 validFrom; uint40 validUntil; uint40 withdrawnSince; uint40 withdrawnAt; }',

  'constructor(address curator_)',

  'error AlreadyMember(address attester)',
  'error AlreadyWithdrawn(bytes32 verifier)',
  'error Frozen()',
  'error InvalidWindow(uint40 validFrom, uint40 validUntil)',
  'error InvalidWithdrawal(address attester, uint40 since)',
  'error NotCurator(address sender, address curator)',
  'error NotMember(address attester)',
  'error SetFull(uint256 maximum)',
  'error ZeroAttester()',
  'error ZeroCurator()',
  'error ZeroThreshold()',

  'event AttesterAdded(address indexed attester, uint40 validFrom, uint40 validUntil)',
  'event AttesterWithdrawn(address indexed attester, uint40 since)',
  'event SetFrozen()',
  'event VerifierWithdrawn(bytes32 indexed verifier)',

  'function MAX_MEMBERS() view returns (uint256)',
  'function add(address attester, uint40 validFrom, uint40 validUntil)',
  'function curator() view returns (address)',
  'function freeze()',
  'function frozen() view returns (bool)',
  'function isAttested(address registry, AdapterRecord record, uint256 threshold) view returns (bool)',
  'function memberOf(address attester) view returns (Member)',
  'function members() view returns (address[])',
  'function supportsInterface(bytes4 interfaceId) view returns (bool)',
  'function verifierWithdrawnAt(bytes32 verifier) view returns (uint40)',
  'function withdraw(address attester, uint40 since)',
  'function withdrawVerifier(bytes32 verifier)',
]);
