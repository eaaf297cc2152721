// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from '@openzeppelin/contracts/interfaces/IERC1271.sol';
import {ECDSA} from '@openzeppelin/contracts/utils/cryptography/ECDSA.sol';
import {Nonces} from '@openzeppelin/contracts/utils/Nonces.sol';
import {AdapterRegistry} from '../../contracts/AdapterRegistry.sol';
import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';
import {RegistryFixture} from './RegistryFixture.sol';

/// @dev A wallet contract that one key signs for.
contract Wallet is IERC1271 {
    address private immutable _signer;

    constructor(address signer) {
        _signer = signer;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recoverCalldata(hash, signature) == _signer ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @title Owners' consents under random inputs
contract AnchorConsentTest is RegistryFixture {
    uint256 private constant ATTESTER = 77;
    uint256 private constant HERE = 31337;

    function testFuzz_anchorsByTheOwnersSignature(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        address sender
    ) external {
        record.owner = VM.addr(_key(key));
        _expectAnchoredBy(record, _key(key), sender);
    }

    function testFuzz_anchorsByAContractsConsent(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        address sender
    ) external {
        record.owner = address(new Wallet(VM.addr(_key(key))));
        _expectAnchoredBy(record, _key(key), sender);
    }

    function testFuzz_refusesAnotherKey(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint256 other,
        bool contractual
    ) external {
        VM.assume(_key(key) != _key(other));
        record.owner = contractual ? address(new Wallet(VM.addr(_key(key)))) : VM.addr(_key(key));
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(other), 0, NOW);
        _expectInvalid(record, consent);
    }

    function testFuzz_refusesASignatureTwice(
        IAdapterRegistry.AdapterRecord memory record,
        IAdapterRegistry.AdapterRecord memory second,
        uint256 key
    ) external {
        (record.owner, second.owner) = (VM.addr(_key(key)), VM.addr(_key(key)));
        VM.assume(registry.idOf(record) != registry.idOf(second));
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(key), 0, NOW);
        registry.anchorFor(record, _attest(record, ATTESTER, 0), consent);

        IAdapterRegistry.Attestation memory again = _attest(second, ATTESTER, 0);
        bytes memory used = abi.encodeWithSelector(Nonces.InvalidAccountNonce.selector, record.owner, 1);
        VM.expectRevert(used);
        registry.anchorFor(second, again, consent);
        consent.nonce = 1;
        _expectInvalid(second, consent);
    }

    function testFuzz_refusesAnyOtherArgument(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint256 deadline,
        uint256 otherDeadline,
        uint256 otherAttester
    ) external {
        record.owner = VM.addr(_key(key));
        deadline = NOW + (deadline % (type(uint256).max - NOW));
        otherDeadline = NOW + (otherDeadline % (type(uint256).max - NOW));
        VM.assume(deadline != otherDeadline && _key(otherAttester) != ATTESTER);
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(key), 0, deadline);

        IAdapterRegistry.Attestation memory another = _attest(record, _key(otherAttester), 0);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.InvalidConsent.selector, record.owner));
        registry.anchorFor(record, another, consent);
        consent.deadline = otherDeadline;
        _expectInvalid(record, consent);
    }

    function testFuzz_refusesOnAnotherChainAndByAnotherRegistry(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint32 chain
    ) external {
        VM.assume(chain != HERE && chain != 0);
        VM.chainId(HERE);
        record.owner = VM.addr(_key(key));
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(key), 0, NOW);
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, 0);
        bytes memory invalid = abi.encodeWithSelector(IAdapterRegistry.InvalidConsent.selector, record.owner);

        AdapterRegistry other = _deployRegistry();
        VM.expectRevert(invalid);
        other.anchorFor(record, attestation, consent);

        VM.chainId(chain);
        VM.expectRevert(invalid);
        registry.anchorFor(record, attestation, consent);
        VM.chainId(HERE);
        registry.anchorFor(record, attestation, consent);
    }

    function testFuzz_refusesMalleableAndZeroSignatures(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        bytes32 r,
        uint8 v
    ) external {
        record.owner = VM.addr(_key(key));
        bytes32 digest = registry.consentDigest(record, VM.addr(ATTESTER), 0, NOW);
        (uint8 goodV, bytes32 goodR, bytes32 s) = VM.sign(_key(key), digest);
        bytes32 twin = bytes32(CURVE_ORDER - uint256(s));
        require(ecrecover(digest, 55 - goodV, goodR, twin) == record.owner, 'no twin');
        _expectInvalid(record, IAdapterRegistry.OwnerConsent(0, NOW, abi.encodePacked(goodR, twin, 55 - goodV)));
        _expectInvalid(record, IAdapterRegistry.OwnerConsent(0, NOW, abi.encodePacked(r, bytes32(0), v)));
        record.owner = address(0);
        _expectInvalid(record, IAdapterRegistry.OwnerConsent(0, NOW, abi.encodePacked(r, bytes32(0), v)));
    }

    function testFuzz_refusesAfterTheDeadline(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint256 deadline
    ) external {
        deadline %= NOW;
        record.owner = VM.addr(_key(key));
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(key), 0, deadline);
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, 0);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.ConsentExpired.selector, deadline, NOW));
        registry.anchorFor(record, attestation, consent);
    }

    function testFuzz_cancelledConsentsAreVoid(IAdapterRegistry.AdapterRecord memory record, uint256 key) external {
        record.owner = VM.addr(_key(key));
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, _key(key), 0, NOW);
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, 0);
        VM.prank(record.owner);
        registry.cancelConsents();
        VM.expectRevert(abi.encodeWithSelector(Nonces.InvalidAccountNonce.selector, record.owner, 1));
        registry.anchorFor(record, attestation, consent);
        _expectAnchoredBy(record, _key(key), address(this));
    }

    function _expectAnchoredBy(IAdapterRegistry.AdapterRecord memory record, uint256 key, address sender) private {
        uint256 nonce = registry.nonces(record.owner);
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, 0);
        IAdapterRegistry.OwnerConsent memory consent = _consent(record, key, nonce, NOW);
        VM.prank(sender);
        bytes32 id = registry.anchorFor(record, attestation, consent);
        require(id == registry.idOf(record) && registry.isAttestedBy(id, VM.addr(ATTESTER)), 'not anchored');
        require(registry.nonces(record.owner) == nonce + 1, 'nonce');
    }

    function _expectInvalid(
        IAdapterRegistry.AdapterRecord memory record,
        IAdapterRegistry.OwnerConsent memory consent
    ) private {
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, 0);
        VM.expectRevert(abi.encodeWithSelector(IAdapterRegistry.InvalidConsent.selector, record.owner));
        registry.anchorFor(record, attestation, consent);
        require(registry.statusOf(registry.idOf(record)) == IAdapterRegistry.Status.Unknown, 'anchored');
    }

    function _consent(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint256 nonce,
        uint256 deadline
    ) private view returns (IAdapterRegistry.OwnerConsent memory) {
        bytes32 digest = registry.consentDigest(record, VM.addr(ATTESTER), nonce, deadline);
        return IAdapterRegistry.OwnerConsent(nonce, deadline, _sign(key, digest));
    }
}
