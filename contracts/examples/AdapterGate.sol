// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from '../IAdapterRegistry.sol';
import {IAttesterSet} from '../IAttesterSet.sol';

/// @title A gate through which agents load proven adapters alone
/// @notice An example. An agent's runtime asks {mayRun} before each use, so that a revocation stops it.
contract AdapterGate {
    /// @notice Where records must be anchored.
    IAdapterRegistry public immutable registry;
    /// @notice For whom they must count.
    IAttesterSet public immutable attesters;
    /// @notice How many of the set must have attested.
    uint256 public immutable threshold;

    /// @notice Id of the record that an agent loaded; zero if none.
    mapping(address agent => bytes32 id) public loaded;

    /// @notice An agent loaded an adapter.
    event AdapterLoaded(address indexed agent, bytes32 indexed id);
    /// @notice The record is not anchored, was revoked or superseded, or too few trusted attesters attest it.
    error NotTrusted(bytes32 id);

    constructor(IAdapterRegistry registry_, IAttesterSet attesters_, uint256 threshold_) {
        (registry, attesters, threshold) = (registry_, attesters_, threshold_);
    }

    /// @notice Makes `record` the sender's adapter, if it is trusted now.
    function load(IAdapterRegistry.AdapterRecord calldata record) external {
        bytes32 id = registry.idOf(record);
        require(attesters.isAttested(registry, record, threshold), NotTrusted(id));
        loaded[msg.sender] = id;
        emit AdapterLoaded(msg.sender, id);
    }

    /// @notice Whether `agent` loaded `record` and it is trusted still.
    function mayRun(address agent, IAdapterRegistry.AdapterRecord calldata record) external view returns (bool) {
        return loaded[agent] == registry.idOf(record) && attesters.isAttested(registry, record, threshold);
    }
}
