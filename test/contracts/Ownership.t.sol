// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AdapterRegistry} from '../../contracts/AdapterRegistry.sol';
import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';
import {Cheats, RegistryFixture} from './RegistryFixture.sol';

/// @dev Makes random calls as random people and keeps, for each record, what only its owner's calls can have made of it.
contract Actor {
    Cheats private constant VM = Cheats(address(uint160(uint256(keccak256('hevm cheat code')))));
    uint256 private constant PEOPLE = 3;
    uint256 private constant RECORDS = 9;

    AdapterRegistry private immutable _registry;
    mapping(bytes32 id => IAdapterRegistry.Status) public expected;
    uint256 public done;

    constructor(AdapterRegistry registry) {
        _registry = registry;
    }

    function anchor(uint256 who, uint256 which) external {
        IAdapterRegistry.AdapterRecord memory record = recordOf(which);
        IAdapterRegistry.Attestation memory attestation = _attestation(record, 1);
        VM.prank(_person(who));
        try _registry.anchor(record, attestation) returns (bytes32 id) {
            _change(id, who, record, IAdapterRegistry.Status.Anchored);
        } catch {}
    }

    function revoke(uint256 who, uint256 which) external {
        IAdapterRegistry.AdapterRecord memory record = recordOf(which);
        VM.prank(_person(who));
        try _registry.revoke(record) returns (bytes32 id) {
            _change(id, who, record, IAdapterRegistry.Status.Revoked);
        } catch {}
    }

    function supersede(uint256 who, uint256 which, uint256 newer) external {
        IAdapterRegistry.AdapterRecord memory record = recordOf(which);
        bytes32 id = _registry.idOf(record);
        VM.prank(_person(who));
        try _registry.supersede(record, recordOf(newer)) {
            _change(id, who, record, IAdapterRegistry.Status.Superseded);
        } catch {}
    }

    function attest(uint256 who, uint256 which, uint256 attester) external {
        IAdapterRegistry.AdapterRecord memory record = recordOf(which);
        IAdapterRegistry.Attestation memory attestation = _attestation(record, 1 + (attester % 4));
        VM.prank(_person(who));
        try _registry.attest(record, attestation) {
            ++done;
        } catch {}
    }

    function anchorFor(uint256 who, uint256 which, uint256 nonce) external {
        IAdapterRegistry.AdapterRecord memory record = recordOf(which);
        IAdapterRegistry.Attestation memory attestation = _attestation(record, 1);
        uint256 signer = 100 + (who % PEOPLE);
        uint256 before = _registry.nonces(record.owner);
        nonce %= before + 2;
        bytes32 digest = _registry.consentDigest(record, attestation.attester, nonce, type(uint256).max);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(signer, digest);
        IAdapterRegistry.OwnerConsent memory consent = IAdapterRegistry.OwnerConsent(
            nonce,
            type(uint256).max,
            abi.encodePacked(r, s, v)
        );
        try _registry.anchorFor(record, attestation, consent) returns (bytes32 id) {
            require(nonce == before && _registry.nonces(record.owner) == before + 1, 'nonce used twice');
            _change(id, who, record, IAdapterRegistry.Status.Anchored);
        } catch {}
    }

    /// @dev Record `which` of few: they have to meet often.
    function recordOf(uint256 which) public pure returns (IAdapterRegistry.AdapterRecord memory record) {
        which %= RECORDS;
        record.runId = bytes32(which);
        record.owner = _person(which);
    }

    function _change(
        bytes32 id,
        uint256 who,
        IAdapterRegistry.AdapterRecord memory record,
        IAdapterRegistry.Status status
    ) private {
        require(_person(who) == record.owner, 'by a stranger');
        require(status > expected[id], 'status went back');
        expected[id] = status;
        ++done;
    }

    function _attestation(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key
    ) private view returns (IAdapterRegistry.Attestation memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, _registry.attestationDigest(record, 0));
        return IAdapterRegistry.Attestation(VM.addr(key), 0, abi.encodePacked(r, s, v));
    }

    function _person(uint256 who) private pure returns (address) {
        return VM.addr(100 + (who % PEOPLE));
    }
}

/// @title Whatever is called by whomever, no record changes but by its owner
contract OwnershipTest is RegistryFixture {
    Actor private _actor;

    function setUp() public override {
        super.setUp();
        _actor = new Actor(registry);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    /// @dev Else the invariants would hold of a registry in which nothing happens.
    function test_theOwnersCallsSucceed() external {
        _actor.anchor(1, 0);
        require(_actor.done() == 0, 'a stranger anchored');
        _actor.anchor(0, 0);
        _actor.anchorFor(0, 3, 0);
        _actor.attest(1, 0, 1);
        _actor.supersede(0, 0, 3);
        _actor.revoke(0, 0);
        require(_actor.done() == 5, 'a call failed');
    }

    function invariant_statusIsWhatTheOwnerMadeIt() external view {
        for (uint256 which = 0; which < 9; ++which) {
            bytes32 id = registry.idOf(_actor.recordOf(which));
            require(registry.statusOf(id) == _actor.expected(id), 'status');
        }
    }

    function invariant_lineagesAreLinesOfOneOwner() external view {
        for (uint256 which = 0; which < 9; ++which) {
            bytes32 id = registry.idOf(_actor.recordOf(which));
            bytes32 parent = registry.parentOf(id);
            bytes32 successor = registry.successorOf(id);
            require(parent == 0 || registry.successorOf(parent) == id, 'parent');
            require(successor == 0 || registry.parentOf(successor) == id, 'successor');
            require(parent == 0 || registry.endedAt(parent) != 0, 'parent lives');
            require(
                (registry.endedAt(id) != 0) == (registry.statusOf(id) >= IAdapterRegistry.Status.Superseded),
                'end'
            );
            uint256 steps = 0;
            for (bytes32 later = successor; later != 0; later = registry.successorOf(later))
                require(++steps < 9, 'cycle');
        }
    }
}
