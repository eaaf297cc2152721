// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from './IAdapterRegistry.sol';

/**
 * @title Directory of anchored records
 * @notice Keeps the fields of records that a registry has anchored, for contracts that know an id alone. Who can take
 * the whole record as an argument needs no directory: {IAdapterRegistry-idOf} binds every field.
 *
 * Anybody may publish a record, since its id binds what is published; nobody can change or remove one. Published
 * says nothing of trust: ask {IAdapterRegistry-isAttested} or {IAttesterSet-isAttested}. The views of fields revert for
 * an id that was not published, so that none reads a zero as a commitment; they answer for ended records too: ask
 * {statusOf}.
 */
interface IAdapterDirectory {
    /**
     * @notice A record's fields were published.
     * @param id hash of the record, see {IAdapterRegistry-idOf}
     * @param adapterRoot the record's
     * @param owner the record's
     */
    event RecordPublished(bytes32 indexed id, bytes32 indexed adapterRoot, address indexed owner);

    /// @notice The registry has never anchored the record by itself; one in a batch is anchored by `anchor` as well.
    error NeverAnchored(bytes32 id);
    /// @notice The record is published already.
    error AlreadyPublished(bytes32 id);
    /// @notice No record with this id is published.
    error NotPublished(bytes32 id);
    /// @notice There is no registry at the zero address.
    error ZeroRegistry();

    /**
     * @notice Publishes a record that the registry has anchored, whatever became of it since.
     * @dev Emits {RecordPublished}. Reverts with {NeverAnchored} or {AlreadyPublished}.
     * @param record the facts
     * @return id hash of the record
     */
    function publish(IAdapterRegistry.AdapterRecord calldata record) external returns (bytes32 id);

    /// @notice The registry whose records are published here.
    function registry() external view returns (IAdapterRegistry);

    /// @notice Whether the record with this id is published.
    function isPublished(bytes32 id) external view returns (bool);

    /// @notice The whole record with this id. Reverts with {NotPublished}, as each view below.
    function recordOf(bytes32 id) external view returns (IAdapterRegistry.AdapterRecord memory);

    /// @notice Commitment of the adapter: the record's `adapterRoot`.
    function commitmentOf(bytes32 id) external view returns (bytes32);

    /// @notice Commitment of the base model: the record's `baseRoot`.
    function baseOf(bytes32 id) external view returns (bytes32);

    /// @notice Commitment of the training data: the record's `dataRoot`.
    function dataOf(bytes32 id) external view returns (bytes32);

    /// @notice Digest of the run's chain of segment proofs: the record's `runDigest`.
    function runDigestOf(bytes32 id) external view returns (bytes32);

    /// @notice The trainer: the record's `owner`.
    function ownerOf(bytes32 id) external view returns (address);

    /// @notice When the registry anchored the record, in seconds since 1970.
    function anchoredAt(bytes32 id) external view returns (uint40);

    /// @notice What became of the record, by the registry, now.
    function statusOf(bytes32 id) external view returns (IAdapterRegistry.Status);
}
