// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC165} from '@openzeppelin/contracts/utils/introspection/ERC165.sol';
import {IERC165} from '@openzeppelin/contracts/utils/introspection/IERC165.sol';
import {IAdapterRegistry} from './IAdapterRegistry.sol';
import {IAttesterSet} from './IAttesterSet.sol';

/// @title A reader's set of attesters
/// @notice See {IAttesterSet}; immutable, its curator too.
contract AttesterSet is IAttesterSet, ERC165 {
    /// @notice How many members a set can have, withdrawn ones included.
    uint256 public constant MAX_MEMBERS = 32;

    /// @inheritdoc IAttesterSet
    address public immutable curator;
    /// @inheritdoc IAttesterSet
    bool public frozen;
    /// @inheritdoc IAttesterSet
    mapping(bytes32 verifier => uint40) public verifierWithdrawnAt;

    address[] private _list;
    mapping(address attester => Member) private _members;

    modifier onlyCurator() {
        require(msg.sender == curator, NotCurator(msg.sender, curator));
        _;
    }

    /// @notice Sets the curator for ever.
    /// @param curator_ who may add, withdraw and freeze
    constructor(address curator_) {
        require(curator_ != address(0), ZeroCurator());
        curator = curator_;
    }

    /// @inheritdoc IAttesterSet
    function add(address attester, uint40 validFrom, uint40 validUntil) external onlyCurator {
        require(!frozen, Frozen());
        require(attester != address(0), ZeroAttester());
        require(_members[attester].validFrom == 0, AlreadyMember(attester));
        require(validFrom != 0 && validFrom < validUntil, InvalidWindow(validFrom, validUntil));
        require(_list.length < MAX_MEMBERS, SetFull(MAX_MEMBERS));
        _list.push(attester);
        _members[attester] = Member(validFrom, validUntil, 0, 0);
        emit AttesterAdded(attester, validFrom, validUntil);
    }

    /// @inheritdoc IAttesterSet
    function withdraw(address attester, uint40 since) external onlyCurator {
        Member storage member = _members[attester];
        require(member.validFrom != 0, NotMember(attester));
        uint40 before = member.withdrawnSince;
        require(
            since != 0 && since <= block.timestamp && (before == 0 || since < before),
            InvalidWithdrawal(attester, since)
        );
        member.withdrawnSince = since;
        member.withdrawnAt = uint40(block.timestamp);
        emit AttesterWithdrawn(attester, since);
    }

    /// @inheritdoc IAttesterSet
    function withdrawVerifier(bytes32 verifier) external onlyCurator {
        require(verifierWithdrawnAt[verifier] == 0, AlreadyWithdrawn(verifier));
        verifierWithdrawnAt[verifier] = uint40(block.timestamp);
        emit VerifierWithdrawn(verifier);
    }

    /// @inheritdoc IAttesterSet
    function freeze() external onlyCurator {
        require(!frozen, Frozen());
        frozen = true;
        emit SetFrozen();
    }

    /// @inheritdoc IAttesterSet
    function members() external view returns (address[] memory) {
        return _list;
    }

    /// @inheritdoc IAttesterSet
    function memberOf(address attester) external view returns (Member memory) {
        return _members[attester];
    }

    /// @inheritdoc IAttesterSet
    function isAttested(
        IAdapterRegistry registry,
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 threshold
    ) external view returns (bool) {
        require(threshold != 0, ZeroThreshold());
        bytes32 id = registry.idOf(record);
        if (verifierWithdrawnAt[record.verifier] != 0 || !registry.isAnchored(id)) return false;
        uint256 count = 0;
        for (uint256 i = 0; i < _list.length && count < threshold; ++i) {
            if (_counts(registry, id, _list[i])) ++count;
        }
        return count == threshold;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAttesterSet).interfaceId || super.supportsInterface(interfaceId);
    }

    function _counts(IAdapterRegistry registry, bytes32 id, address attester) private view returns (bool) {
        Member memory member = _members[attester];
        (uint40 issuedAt, uint40 recordedAt) = registry.attestationOf(id, attester);
        // Without an attestation issuedAt is zero, and every member's validFrom is at least 1.
        return
            issuedAt >= member.validFrom &&
            recordedAt < member.validUntil &&
            (member.withdrawnSince == 0 || recordedAt < member.withdrawnSince);
    }
}
