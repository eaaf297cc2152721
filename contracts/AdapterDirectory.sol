// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC165} from '@openzeppelin/contracts/utils/introspection/ERC165.sol';
import {IERC165} from '@openzeppelin/contracts/utils/introspection/IERC165.sol';
import {IAdapterDirectory} from './IAdapterDirectory.sol';
import {IAdapterRegistry} from './IAdapterRegistry.sol';

/// @title Directory of anchored records
/// @notice See {IAdapterDirectory}; immutable, without owner or roles.
contract AdapterDirectory is IAdapterDirectory, ERC165 {
    /// @inheritdoc IAdapterDirectory
    IAdapterRegistry public immutable registry;

    mapping(bytes32 id => IAdapterRegistry.AdapterRecord) private _records;

    /// @notice Sets the registry for ever.
    /// @param registry_ whose records are published here
    constructor(IAdapterRegistry registry_) {
        require(address(registry_) != address(0), ZeroRegistry());
        registry = registry_;
    }

    /// @inheritdoc IAdapterDirectory
    function publish(IAdapterRegistry.AdapterRecord calldata record) external returns (bytes32 id) {
        id = registry.idOf(record);
        require(registry.anchorOf(id).anchoredAt != 0, NeverAnchored(id));
        require(!isPublished(id), AlreadyPublished(id));
        _records[id] = record;
        emit RecordPublished(id, record.adapterRoot, record.owner);
    }

    /// @inheritdoc IAdapterDirectory
    function recordOf(bytes32 id) external view returns (IAdapterRegistry.AdapterRecord memory) {
        return _published(id);
    }

    /// @inheritdoc IAdapterDirectory
    function commitmentOf(bytes32 id) external view returns (bytes32) {
        return _published(id).adapterRoot;
    }

    /// @inheritdoc IAdapterDirectory
    function baseOf(bytes32 id) external view returns (bytes32) {
        return _published(id).baseRoot;
    }

    /// @inheritdoc IAdapterDirectory
    function dataOf(bytes32 id) external view returns (bytes32) {
        return _published(id).dataRoot;
    }

    /// @inheritdoc IAdapterDirectory
    function runDigestOf(bytes32 id) external view returns (bytes32) {
        return _published(id).runDigest;
    }

    /// @inheritdoc IAdapterDirectory
    function ownerOf(bytes32 id) external view returns (address) {
        return _published(id).owner;
    }

    /// @inheritdoc IAdapterDirectory
    function anchoredAt(bytes32 id) external view returns (uint40) {
        _published(id);
        return registry.anchorOf(id).anchoredAt;
    }

    /// @inheritdoc IAdapterDirectory
    function statusOf(bytes32 id) external view returns (IAdapterRegistry.Status) {
        _published(id);
        return registry.statusOf(id);
    }

    /// @inheritdoc IAdapterDirectory
    function isPublished(bytes32 id) public view returns (bool) {
        // No anchored record has the zero address as its owner: nobody can send or sign for it.
        return _records[id].owner != address(0);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAdapterDirectory).interfaceId || super.supportsInterface(interfaceId);
    }

    function _published(bytes32 id) private view returns (IAdapterRegistry.AdapterRecord storage) {
        require(isPublished(id), NotPublished(id));
        return _records[id];
    }
}
