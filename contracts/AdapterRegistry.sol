// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC5267} from '@openzeppelin/contracts/interfaces/IERC5267.sol';
import {ECDSA} from '@openzeppelin/contracts/utils/cryptography/ECDSA.sol';
import {EIP712} from '@openzeppelin/contracts/utils/cryptography/EIP712.sol';
import {MessageHashUtils} from '@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol';
import {SignatureChecker} from '@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol';
import {ERC165} from '@openzeppelin/contracts/utils/introspection/ERC165.sol';
import {IERC165} from '@openzeppelin/contracts/utils/introspection/IERC165.sol';
import {Nonces} from '@openzeppelin/contracts/utils/Nonces.sol';
import {BatchTree} from './BatchTree.sol';
import {IAdapterRegistry} from './IAdapterRegistry.sol';

/// @title Registry of proven LoRA adapters
/// @notice See {IAdapterRegistry}; immutable, without owner, roles or upgrades.
contract AdapterRegistry is IAdapterRegistry, EIP712, ERC165, Nonces {
    /// @dev A further attestation: when it was issued and when recorded, in seconds since 1970.
    struct Attested {
        uint40 issuedAt;
        uint40 recordedAt;
    }

    /// @notice How far an attester's clock may be ahead of the block's, in seconds.
    uint256 public constant MAX_CLOCK_SKEW = 1 hours;

    string private constant NAME = 'zkLoRA';
    string private constant VERSION = '1';

    // Of attestations, which hold on every chain: unlike the base contract's domain, which is that of owners' consents.
    bytes32 private constant ATTESTATION_DOMAIN_SEPARATOR = keccak256(
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

    bytes32 private constant CONSENT_TYPEHASH = keccak256(
        'AnchorConsent(AdapterRecord record,address attester,uint256 nonce,uint256 deadline)'
        'AdapterRecord(bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,'
        'address owner,uint64 steps,bytes32 verifier)'
    );

    mapping(bytes32 id => Anchor) private _anchors;
    mapping(bytes32 id => mapping(address attester => Attested)) private _attestations;
    mapping(address owner => mapping(bytes32 root => Batch)) private _batches;

    /// @inheritdoc IAdapterRegistry
    mapping(bytes32 id => uint40) public endedAt;
    /// @inheritdoc IAdapterRegistry
    mapping(bytes32 id => bytes32) public parentOf;
    /// @inheritdoc IAdapterRegistry
    mapping(bytes32 id => bytes32) public successorOf;

    constructor() EIP712(NAME, VERSION) {}

    /// @inheritdoc IAdapterRegistry
    function anchor(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id) {
        _requireOwner(record);
        return _anchor(record, attestation);
    }

    /// @inheritdoc IAdapterRegistry
    function anchorFor(
        AdapterRecord calldata record,
        Attestation calldata attestation,
        OwnerConsent calldata consent
    ) external returns (bytes32 id) {
        address owner = record.owner;
        require(block.timestamp <= consent.deadline, ConsentExpired(consent.deadline, block.timestamp));
        _useCheckedNonce(owner, consent.nonce);
        (bytes32 recordHash, ) = _hash(record, 0);
        bytes32 digest = _consentDigest(recordHash, attestation.attester, consent.nonce, consent.deadline);
        // A contract's answer (ERC-1271) comes from a static call: nothing can be changed from within it.
        require(SignatureChecker.isValidSignatureNowCalldata(owner, digest, consent.signature), InvalidConsent(owner));
        return _anchor(record, attestation);
    }

    /// @inheritdoc IAdapterRegistry
    function cancelConsents() external {
        emit ConsentCancelled(msg.sender, _useNonce(msg.sender));
    }

    /// @inheritdoc IAdapterRegistry
    function attest(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id) {
        bytes32 structHash;
        (id, structHash) = _hash(record, attestation.issuedAt);
        _requireAnchored(id);
        address attester = _recover(structHash, attestation);
        (, uint40 recordedAt) = attestationOf(id, attester);
        require(recordedAt == 0, AlreadyAttested(id, attester));
        _attestations[id][attester] = Attested(uint40(attestation.issuedAt), uint40(block.timestamp));
        emit AdapterAttested(id, attester, attestation.issuedAt);
    }

    /// @inheritdoc IAdapterRegistry
    function revoke(AdapterRecord calldata record) external returns (bytes32 id) {
        _requireOwner(record);
        (id, ) = _hash(record, 0);
        require(_anchors[id].status != Status.Revoked, AlreadyRevoked(id));
        _end(id, Status.Revoked);
        emit AdapterRevoked(id, msg.sender);
    }

    /// @inheritdoc IAdapterRegistry
    function supersede(AdapterRecord calldata older, AdapterRecord calldata newer) external {
        _requireOwner(older);
        _requireOwner(newer);
        (bytes32 id, ) = _hash(older, 0);
        (bytes32 successor, ) = _hash(newer, 0);
        require(id != successor, SupersedesItself(id));
        _requireAnchored(successor);
        require(parentOf[successor] == 0, AlreadySuccessor(successor, parentOf[successor]));
        Status status = _anchors[id].status;
        require(status < Status.Superseded, NotSupersedable(id, status));
        _end(id, Status.Superseded);
        parentOf[successor] = id;
        successorOf[id] = successor;
        emit AdapterSuperseded(id, successor, msg.sender);
    }

    /// @inheritdoc IAdapterRegistry
    function anchorBatch(bytes32 root, uint32 count) external {
        require(count != 0, EmptyBatch());
        Batch storage batch = _batches[msg.sender][root];
        require(batch.anchoredAt == 0, BatchAlreadyAnchored(msg.sender, root));
        _batches[msg.sender][root] = Batch(uint40(block.timestamp), count);
        emit BatchAnchored(root, msg.sender, count);
    }

    /// @inheritdoc IAdapterRegistry
    function idOf(AdapterRecord calldata record) external pure returns (bytes32) {
        (bytes32 id, ) = _hash(record, 0);
        return id;
    }

    /// @inheritdoc IAdapterRegistry
    function attestationDigest(AdapterRecord calldata record, uint64 issuedAt) external pure returns (bytes32) {
        (, bytes32 structHash) = _hash(record, issuedAt);
        return MessageHashUtils.toTypedDataHash(ATTESTATION_DOMAIN_SEPARATOR, structHash);
    }

    /// @inheritdoc IAdapterRegistry
    function consentDigest(
        AdapterRecord calldata record,
        address attester,
        uint256 nonce,
        uint256 deadline
    ) external view returns (bytes32) {
        (bytes32 recordHash, ) = _hash(record, 0);
        return _consentDigest(recordHash, attester, nonce, deadline);
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
        return _anchors[id].status == Status.Anchored && _hasAttested(id, attester);
    }

    /// @inheritdoc IAdapterRegistry
    function isAttested(bytes32 id, address[] calldata attesters, uint256 threshold) external view returns (bool) {
        require(threshold != 0, ZeroThreshold());
        uint256 count = 0;
        for (uint256 i = 0; i < attesters.length; ++i) {
            require(i == 0 || attesters[i - 1] < attesters[i], AttestersNotAscending(i));
            if (_hasAttested(id, attesters[i])) ++count;
        }
        return count >= threshold && _anchors[id].status == Status.Anchored;
    }

    /// @inheritdoc IAdapterRegistry
    function verifyAttestation(
        AdapterRecord calldata record,
        Attestation calldata attestation
    ) external view returns (bool) {
        (, bytes32 structHash) = _hash(record, attestation.issuedAt);
        (address recovered, ECDSA.RecoverError failure) = _tryRecover(structHash, attestation.signature);
        return
            failure == ECDSA.RecoverError.NoError &&
            recovered == attestation.attester &&
            attestation.issuedAt <= block.timestamp + MAX_CLOCK_SKEW;
    }

    /// @inheritdoc IAdapterRegistry
    function statusOf(bytes32 id) external view returns (Status) {
        return _anchors[id].status;
    }

    /// @inheritdoc IAdapterRegistry
    function batchOf(address owner, bytes32 root) external view returns (Batch memory) {
        return _batches[owner][root];
    }

    /// @inheritdoc IAdapterRegistry
    function verifyInclusion(
        bytes32 root,
        uint256 index,
        AdapterRecord calldata record,
        bytes32[] calldata proof
    ) external view returns (bool) {
        (bytes32 id, ) = _hash(record, 0);
        // A root that nobody anchored has no leaves, so that no index is below their number.
        return
            _anchors[id].status < Status.Superseded &&
            BatchTree.includes(root, _batches[record.owner][root].count, index, id, proof);
    }

    /// @inheritdoc IAdapterRegistry
    function attestationOf(bytes32 id, address attester) public view returns (uint40 issuedAt, uint40 recordedAt) {
        Anchor storage kept = _anchors[id];
        // An id that was never anchored has the zero address as its attester, and zero for both times.
        if (kept.attester == attester) return (kept.issuedAt, kept.anchoredAt);
        Attested storage further = _attestations[id][attester];
        return (further.issuedAt, further.recordedAt);
    }

    /// @inheritdoc IAdapterRegistry
    function nonces(address owner) public view override(IAdapterRegistry, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return
            interfaceId == type(IAdapterRegistry).interfaceId ||
            interfaceId == type(IERC5267).interfaceId ||
            super.supportsInterface(interfaceId);
    }

    function _anchor(AdapterRecord calldata record, Attestation calldata attestation) private returns (bytes32 id) {
        bytes32 structHash;
        (id, structHash) = _hash(record, attestation.issuedAt);
        Anchor storage kept = _anchors[id];
        require(kept.status == Status.Unknown, AlreadyAnchored(id));
        address attester = _recover(structHash, attestation);

        // Both times fit 40 bits until the year 36812: issuedAt is bounded by the block's time.
        kept.attester = attester;
        kept.issuedAt = uint40(attestation.issuedAt);
        kept.anchoredAt = uint40(block.timestamp);
        kept.status = Status.Anchored;
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
            attester,
            attestation.issuedAt
        );
    }

    /// @dev The first ending's time stays when a superseded record is revoked as well.
    function _end(bytes32 id, Status status) private {
        _anchors[id].status = status;
        if (endedAt[id] == 0) endedAt[id] = uint40(block.timestamp);
    }

    function _requireOwner(AdapterRecord calldata record) private view {
        require(msg.sender == record.owner, NotRecordOwner(msg.sender, record.owner));
    }

    function _requireAnchored(bytes32 id) private view {
        Status status = _anchors[id].status;
        require(status == Status.Anchored, NotAnchored(id, status));
    }

    function _hasAttested(bytes32 id, address attester) private view returns (bool) {
        (, uint40 recordedAt) = attestationOf(id, attester);
        return recordedAt != 0;
    }

    /// @dev The attester, if the signature is theirs and not from the future.
    function _recover(bytes32 structHash, Attestation calldata attestation) private view returns (address) {
        require(
            attestation.issuedAt <= block.timestamp + MAX_CLOCK_SKEW,
            AttestationFromFuture(attestation.issuedAt, block.timestamp)
        );
        (address recovered, ECDSA.RecoverError failure) = _tryRecover(structHash, attestation.signature);
        require(failure == ECDSA.RecoverError.NoError, InvalidSignature());
        require(recovered == attestation.attester, AttesterMismatch(attestation.attester, recovered));
        return recovered;
    }

    function _tryRecover(
        bytes32 structHash,
        bytes calldata signature
    ) private pure returns (address recovered, ECDSA.RecoverError failure) {
        bytes32 digest = MessageHashUtils.toTypedDataHash(ATTESTATION_DOMAIN_SEPARATOR, structHash);
        (recovered, failure, ) = ECDSA.tryRecoverCalldata(digest, signature);
    }

    function _consentDigest(
        bytes32 recordHash,
        address attester,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CONSENT_TYPEHASH, recordHash, attester, nonce, deadline)));
    }

    /**
     * @dev EIP-712 hashStruct of AdapterRecord(record), which is the id, and of RunAttestation(record, issuedAt). Both
     * are a type hash followed by the record's eight words, all static, so the words are copied once and hashed twice:
     * 500 gas less than abi.encode for each. Reverts, as the ABI decoder does, where owner or steps exceed their types.
     */
    function _hash(
        AdapterRecord calldata record,
        uint64 issuedAt
    ) private pure returns (bytes32 id, bytes32 structHash) {
        bytes32 recordType = RECORD_TYPEHASH;
        bytes32 attestationType = ATTESTATION_TYPEHASH;
        // solhint-disable-next-line no-inline-assembly
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
