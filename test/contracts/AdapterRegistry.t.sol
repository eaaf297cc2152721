// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';
import {RegistryFixture} from './RegistryFixture.sol';

/// @title Signatures, owners and times under random inputs
contract AdapterRegistryTest is RegistryFixture {
    function testFuzz_anchorsWhatWasAttested(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        uint64 issuedAt
    ) external {
        key = _key(key);
        issuedAt = _past(issuedAt);
        IAdapterRegistry.Attestation memory attestation = _attest(record, key, issuedAt);
        VM.prank(record.owner);
        bytes32 id = registry.anchor(record, attestation);

        IAdapterRegistry.Anchor memory kept = registry.anchorOf(id);
        require(id == registry.idOf(record), 'id');
        require(kept.attester == VM.addr(key), 'attester');
        require(kept.issuedAt == issuedAt && kept.anchoredAt == NOW, 'times');
        require(registry.isAnchored(id) && registry.isAttestedBy(id, VM.addr(key)), 'views');

        VM.prank(record.owner);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.AlreadyAnchored.selector, id));
        registry.anchor(record, attestation);
    }

    function testFuzz_idAndDigestAreThoseOfAbiEncode(
        IAdapterRegistry.AdapterRecord calldata record,
        uint64 issuedAt
    ) external view {
        string memory fields =
            '(bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,'
            'address owner,uint64 steps,bytes32 verifier';
        bytes32 recordType = keccak256(bytes.concat('AdapterRecord', bytes(fields), ')'));
        require(registry.idOf(record) == keccak256(abi.encode(recordType, record)), 'id');

        bytes32 attestationType = keccak256(bytes.concat('RunAttestation', bytes(fields), ',uint64 issuedAt)'));
        bytes32 domainType = keccak256('EIP712Domain(string name,string version)');
        bytes32 separator = keccak256(abi.encode(domainType, keccak256('zkLoRA'), keccak256('1')));
        bytes32 structHash = keccak256(abi.encode(attestationType, record, issuedAt));
        bytes32 digest = keccak256(abi.encodePacked(hex'1901', separator, structHash));
        require(registry.attestationDigest(record, issuedAt) == digest, 'digest');
    }

    function testFuzz_refusesStrangers(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        address stranger
    ) external {
        VM.assume(stranger != record.owner);
        IAdapterRegistry.Attestation memory attestation = _attest(record, _key(key), 0);
        VM.prank(stranger);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.NotRecordOwner.selector, stranger, record.owner));
        registry.anchor(record, attestation);
    }

    function testFuzz_refusesAnotherRecord(
        IAdapterRegistry.AdapterRecord calldata attested,
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key
    ) external {
        VM.assume(registry.idOf(attested) != registry.idOf(record));
        IAdapterRegistry.Attestation memory attestation = _attest(attested, _key(key), 0);
        VM.prank(record.owner);
        VM.expectRevert();
        registry.anchor(record, attestation);
        require(!registry.isAnchored(registry.idOf(record)), 'anchored');
    }

    function testFuzz_refusesAnotherTime(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        uint64 attested,
        uint64 claimed
    ) external {
        VM.assume(_past(attested) != _past(claimed));
        IAdapterRegistry.Attestation memory attestation = _attest(record, _key(key), _past(attested));
        attestation.issuedAt = _past(claimed);
        VM.prank(record.owner);
        VM.expectRevert();
        registry.anchor(record, attestation);
    }

    function testFuzz_refusesTheFuture(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        uint64 issuedAt
    ) external {
        VM.assume(issuedAt > NOW + registry.MAX_CLOCK_SKEW());
        IAdapterRegistry.Attestation memory attestation = _attest(record, _key(key), issuedAt);
        VM.prank(record.owner);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.AttestationFromFuture.selector, issuedAt, NOW));
        registry.anchor(record, attestation);
    }

    function testFuzz_refusesMalleableSignatures(IAdapterRegistry.AdapterRecord calldata record, uint256 key) external {
        key = _key(key);
        IAdapterRegistry.Attestation memory attestation = _attest(record, key, 0);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, registry.attestationDigest(record, 0));
        bytes32 twin = bytes32(CURVE_ORDER - uint256(s));
        require(ecrecover(registry.attestationDigest(record, 0), 55 - v, r, twin) == VM.addr(key), 'no twin');
        attestation.signature = abi.encodePacked(r, twin, 55 - v);
        _expectInvalidSignature(record, attestation);
    }

    function testFuzz_refusesZeroSignaturesOfTheZeroAddress(
        IAdapterRegistry.AdapterRecord calldata record,
        bytes32 r,
        uint8 v
    ) external {
        IAdapterRegistry.Attestation memory attestation;
        attestation.signature = abi.encodePacked(r, bytes32(0), v);
        _expectInvalidSignature(record, attestation);
        attestation.signature = abi.encodePacked(bytes32(0), r, v);
        _expectInvalidSignature(record, attestation);
    }

    function testFuzz_refusesOtherLengths(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        bytes calldata signature
    ) external {
        VM.assume(signature.length != 65);
        IAdapterRegistry.Attestation memory attestation = _attest(record, _key(key), 0);
        attestation.signature = signature;
        _expectInvalidSignature(record, attestation);
    }

    function testFuzz_refusesChangedSignatures(
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 key,
        uint256 position,
        uint8 change
    ) external {
        VM.assume(change != 0);
        IAdapterRegistry.Attestation memory attestation = _attest(record, _key(key), 0);
        attestation.signature[position % 65] ^= bytes1(change);
        VM.prank(record.owner);
        VM.expectRevert();
        registry.anchor(record, attestation);
    }

    /// @dev Words too wide for their types, which only a hand-made call can carry, must not be hashed.
    function testFuzz_refusesDirtyWords(IAdapterRegistry.AdapterRecord calldata record, uint8 bit) external view {
        for (uint256 field = 5; field <= 6; ++field) {
            uint256 width = field == 5 ? 160 : 64;
            bytes memory data = abi.encodeCall(IAdapterRegistry.idOf, (record));
            uint256 dirt = uint256(1) << (width + (bit % (256 - width)));
            (bool clean, ) = address(registry).staticcall(data);
            assembly ('memory-safe') {
                let at := add(add(data, 0x24), mul(field, 0x20))
                mstore(at, xor(mload(at), dirt))
            }
            (bool dirty, ) = address(registry).staticcall(data);
            require(clean && !dirty, 'dirty');
        }
    }

    function _expectInvalidSignature(
        IAdapterRegistry.AdapterRecord calldata record,
        IAdapterRegistry.Attestation memory attestation
    ) private {
        VM.prank(record.owner);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.InvalidSignature.selector));
        registry.anchor(record, attestation);
    }
}
