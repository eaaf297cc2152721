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

    /// @inheritdoc IAdapterRegistry
    function anchor(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id) {
        require(msg.sender == record.owner, NotRecordOwner(msg.sender, record.owner));
        require(
            attestation.issuedAt <= block.timestamp + MAX_CLOCK_SKEW,
            AttestationFromFuture(attestation.issuedAt, block.timestamp)
        );
        bytes32 structHash;
        (id, structHash) = _hash(record, attestation.issuedAt);
        require(_anchors[id].status == Status.Unknown, AlreadyAnchored(id));

        bytes32 digest = MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR, structHash);
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(digest, attestation.signature);
        require(failure == ECDSA.RecoverError.NoError, InvalidSignature());
        require(recovered == attestation.attester, AttesterMismatch(attestation.attester, recovered));

        // Both times fit 40 bits until the year 36812: issuedAt is bounded by the block's time.
        _anchors[id] = Anchor(recovered, uint40(attestation.issuedAt), uint40(block.timestamp), Status.Anchored);
        emit AdapterAnchored(
            id,
            record.adapterRoot,
            record.owner,
            record.runId,
            record.runDigest,
            record.baseRoot,
            record.dataRoot,
            record.steps,
            record.verifier,
            recovered,
            attestation.issuedAt
        );
    }

    /// @inheritdoc IAdapterRegistry
    function idOf(AdapterRecord calldata record) external pure returns (bytes32) {
        (bytes32 id, ) = _hash(record, 0);
        return id;
    }

    /// @inheritdoc IAdapterRegistry
    function attestationDigest(AdapterRecord calldata record, uint64 issuedAt) external pure returns (bytes32) {
        (, bytes32 structHash) = _hash(record, issuedAt);
        return MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR, structHash);
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
    function isAttestedBy(bytes32 id, address attester) external view returns (bool) {
        Anchor storage kept = _anchors[id];
        // The status too: every unknown id has the zero address as its attester.
        return kept.status == Status.Anchored && kept.attester == attester;
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

    /**
     * @dev EIP-712 hashStruct of AdapterRecord(record), which is the id, and of RunAttestation(record, issuedAt). Both are
     * a type hash followed by the record's eight words, all static, so the words are copied once and hashed twice:
     * 500 gas less than abi.encode for each. Reverts, as the ABI decoder does, where owner or steps exceed their types.
     */
    function _hash(
        AdapterRecord calldata record,
        uint64 issuedAt
    ) private pure returns (bytes32 id, bytes32 structHash) {
        bytes32 recordType = RECORD_TYPEHASH;
        bytes32 attestationType = ATTESTATION_TYPEHASH;
        assembly ('memory-safe') {
            if or(shr(160, calldataload(add(record, 0xa0))), shr(64, calldataload(add(record, 0xc0)))) {
                revert(0, 0)
            }
            let preimage := mload(0x40)
            calldatacopy(add(preimage, 0x20), record, 0x100)
            mstore(preimage, recordType)
            id := keccak256(preimage, 0x120)
            mstore(preimage, attestationType)
            mstore(add(preimage, 0x120), issuedAt)
            structHash := keccak256(preimage, 0x140)
        }
    }
}
