// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC5267} from '@openzeppelin/contracts/interfaces/IERC5267.sol';
import {ECDSA} from '@openzeppelin/contracts/utils/cryptography/ECDSA.sol';
import {MessageHashUtils} from '@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol';
import {ERC165} from '@openzeppelin/contracts/utils/introspection/ERC165.sol';
import {IERC165} from '@openzeppelin/contracts/utils/introspection/IERC165.sol';
import {IAdapterRegistry} from './IAdapterRegistry.sol';

/// @title Registry of proven LoRA adapters
/// @notice See {IAdapterRegistry}; immutable, without owner, roles or upgrades.
contract AdapterRegistry is IAdapterRegistry, IERC5267, ERC165 {
    /// @notice How far an attester's clock may be ahead of the block's, in seconds.
    uint256 public constant MAX_CLOCK_SKEW = 1 hours;

    string private constant NAME = 'zkLoRA';
    string private constant VERSION = '1';

    // OpenZeppelin's EIP712 base always puts chainId and verifyingContract into the domain; attestations have neither.
    bytes32 private constant DOMAIN_SEPARATOR = keccak256(
        abi.encode(
            keccak256('EIP712Domain(string name,string version)'),
            keccak256(bytes(NAME)),
            keccak256(bytes(VERSION))
        )
    );

    bytes32 private constant RECORD_TYPEHASH = keccak256(
        'AdapterRecord(bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,'
        'address owner,uint64 steps,bytes32 verifier)'
    );

    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        'RunAttestation(bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,'
        'address owner,uint64 steps,bytes32 verifier,uint64 issuedAt)'
    );

    mapping(bytes32 id => Anchor) private _anchors;

    // Attesters after the first: a single attestation then costs one storage slot only.
    mapping(bytes32 id => mapping(address attester => bool)) private _furtherAttesters;

    /// @inheritdoc IAdapterRegistry
    function anchor(AdapterRecord calldata record, Attestation[] calldata attestations) external returns (bytes32 id) {
        require(msg.sender == record.owner, NotRecordOwner(msg.sender, record.owner));
        require(attestations.length > 0, NoAttestation());
        id = _idOf(record);
        require(_anchors[id].status == Status.Unknown, AlreadyAnchored(id));

        Attestation calldata first = attestations[0];
        _requireValid(record, first, 0);
        // The casts are safe: _requireValid bounds issuedAt by the block's time, which fits 40 bits until the year 36812.
        _anchors[id] = Anchor(first.attester, uint40(first.issuedAt), uint40(block.timestamp), Status.Anchored);
        emit AdapterAnchored(id, record.adapterRoot, record.owner, record);
        emit AdapterAttested(id, first.attester, first.issuedAt);

        for (uint256 i = 1; i < attestations.length; ++i) {
            Attestation calldata next = attestations[i];
            _requireValid(record, next, i);
            require(!isAttestedBy(id, next.attester), DuplicateAttester(i, next.attester));
            _furtherAttesters[id][next.attester] = true;
            emit AdapterAttested(id, next.attester, next.issuedAt);
        }
    }

    /// @inheritdoc IAdapterRegistry
    function idOf(AdapterRecord calldata record) external pure returns (bytes32) {
        return _idOf(record);
    }

    /// @inheritdoc IAdapterRegistry
    function attestationDigest(AdapterRecord calldata record, uint64 issuedAt) external pure returns (bytes32) {
        return _attestationDigest(record, issuedAt);
    }

    /// @inheritdoc IAdapterRegistry
    function anchorOf(bytes32 id) external view returns (Anchor memory) {
        return _anchors[id];
    }

    /// @inheritdoc IAdapterRegistry
    function isAnchored(bytes32 id) external view returns (bool) {
        return _anchors[id].status == Status.Anchored;
    }

    /// @inheritdoc IAdapterRegistry
    function isAttestedBy(bytes32 id, address attester) public view returns (bool) {
        Anchor storage kept = _anchors[id];
        // The status first: every unknown id has the zero address as its attester.
        return kept.status == Status.Anchored && (kept.attester == attester || _furtherAttesters[id][attester]);
    }

    /// @inheritdoc IERC5267
    /// @dev 0x03: the domain has a name and a version and nothing else.
    function eip712Domain()
        external
        pure
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex'03', NAME, VERSION, 0, address(0), bytes32(0), new uint256[](0));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return
            interfaceId == type(IAdapterRegistry).interfaceId ||
            interfaceId == type(IERC5267).interfaceId ||
            super.supportsInterface(interfaceId);
    }

    function _idOf(AdapterRecord calldata record) private pure returns (bytes32) {
        return keccak256(abi.encode(RECORD_TYPEHASH, record));
    }

    function _attestationDigest(AdapterRecord calldata record, uint64 issuedAt) private pure returns (bytes32) {
        // All fields are static, so abi.encode puts the record's words in line, as EIP-712 wants them.
        bytes32 structHash = keccak256(abi.encode(ATTESTATION_TYPEHASH, record, issuedAt));
        return MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR, structHash);
    }

    function _requireValid(
        AdapterRecord calldata record,
        Attestation calldata attestation,
        uint256 index
    ) private view {
        require(
            attestation.issuedAt <= block.timestamp + MAX_CLOCK_SKEW,
            AttestationFromFuture(index, attestation.issuedAt, block.timestamp)
        );
        bytes32 digest = _attestationDigest(record, attestation.issuedAt);
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, attestation.signature);
        require(failure == ECDSA.RecoverError.NoError, InvalidSignature(index));
        require(recovered == attestation.attester, AttesterMismatch(index, attestation.attester, recovered));
    }
}
