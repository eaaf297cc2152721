// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC165} from '@openzeppelin/contracts/utils/introspection/ERC165.sol';
import {IERC165} from '@openzeppelin/contracts/utils/introspection/IERC165.sol';
import {IAdapterDirectory} from '../IAdapterDirectory.sol';
import {IAdapterRegistry} from '../IAdapterRegistry.sol';
import {ERC7992Errors, IERCZKMLRegistry, IERCZKMLVerifier} from './IERC7992.sol';

/**
 * @title Adapters as models of ERC-7992 (draft)
 * @notice An option: nothing of the project depends on it, and the draft may change.
 *
 * A model is a record of the registry that the directory publishes and its owner registered here. Its id is the
 * record's id as a number. Its commitment follows from the record:
 * modelHash     = id of the record, which binds base, adapter, data and run
 * circuitHash   = the record's verifier version, which fixes the relations
 * vkHash        = 0: the proof system has no verifying key
 * proofSystemId = bytes4(keccak256("zklora-training-v1"))
 * uri           = empty
 *
 * The registry's part of the draft is fulfilled: {registerModel} takes that commitment and no other; {updateModel}
 * always reverts, since another commitment is another model; a model is deprecated when its owner says so here, or
 * superseded or revoked its record in the registry. Registered says nothing of trust in the attesters.
 *
 * The verifier's part is not: the proofs are of training, not of inference, and no contract verifies them.
 * {verifyInference} always reverts, `InferenceVerified` is never emitted, and {supportsInterface} denies the interface.
 */
contract AdapterModels is IERCZKMLRegistry, IERCZKMLVerifier, ERC165 {
    enum State {
        Unregistered,
        Registered,
        Deprecated
    }

    /// @notice The system of the proofs that attesters verified.
    bytes4 public constant PROOF_SYSTEM = bytes4(keccak256('zklora-training-v1'));

    /// @notice Where the fields of records are found.
    IAdapterDirectory public immutable directory;

    mapping(uint256 modelId => State) private _states;

    /// @notice The model is registered already.
    error AlreadyRegistered(uint256 modelId);
    /// @notice The commitment is not that of the record which it names.
    error CommitmentMismatch(uint256 modelId);
    /// @notice The record is superseded or revoked.
    error RecordEnded(bytes32 id, IAdapterRegistry.Status status);
    /// @notice A model's commitment never changes: anchor, publish and register another record.
    error ModelsAreFixed(uint256 modelId);

    /// @notice Sets the directory for ever.
    /// @param directory_ where the fields of records are found
    constructor(IAdapterDirectory directory_) {
        directory = directory_;
    }

    /**
     * @inheritdoc IERCZKMLRegistry
     * @dev Reverts with the directory's `NotPublished`, {NotModelOwner}, {RecordEnded}, {AlreadyRegistered} or
     * {CommitmentMismatch}.
     */
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId) {
        bytes32 id = commitment.modelHash;
        modelId = uint256(id);
        IAdapterRegistry.AdapterRecord memory record = directory.recordOf(id);
        require(msg.sender == record.owner, NotModelOwner(modelId, msg.sender));
        IAdapterRegistry.Status status = directory.statusOf(id);
        require(status == IAdapterRegistry.Status.Anchored, RecordEnded(id, status));
        require(_states[modelId] == State.Unregistered, AlreadyRegistered(modelId));
        ModelCommitment memory expected = _commitmentOf(id, record.verifier);
        require(keccak256(abi.encode(commitment)) == keccak256(abi.encode(expected)), CommitmentMismatch(modelId));
        _states[modelId] = State.Registered;
        emit ModelRegistered(modelId, msg.sender, expected);
    }

    /**
     * @inheritdoc IERCZKMLRegistry
     * @dev Reverts with {ModelNotFound}, {NotModelOwner} or {ModelsAreFixed}.
     */
    function updateModel(uint256 modelId, ModelCommitment calldata) external view {
        _requireOwner(modelId);
        revert ModelsAreFixed(modelId);
    }

    /**
     * @inheritdoc IERCZKMLRegistry
     * @dev For ever, and here alone: the record stays as it is. Emits {ModelDeprecated}. Reverts with {ModelNotFound},
     * {NotModelOwner} or {ERC7992Errors-ModelDeprecated}.
     */
    function deprecateModel(uint256 modelId) external {
        _requireOwner(modelId);
        require(_states[modelId] != State.Deprecated, ERC7992Errors.ModelDeprecated(modelId));
        _states[modelId] = State.Deprecated;
        emit ModelDeprecated(modelId);
    }

    /**
     * @inheritdoc IERCZKMLVerifier
     * @dev Always reverts: with {ModelNotFound} or {UnsupportedProofSystem}.
     */
    function verifyInference(uint256 modelId, bytes32, bytes calldata, bytes calldata) external view {
        revert UnsupportedProofSystem(proofSystemOf(modelId));
    }

    /**
     * @inheritdoc IERCZKMLRegistry
     * @dev Reverts with {ModelNotFound}.
     */
    function getModel(
        uint256 modelId
    ) external view returns (ModelCommitment memory commitment, bool deprecated, address owner) {
        _requireRegistered(modelId);
        bytes32 id = bytes32(modelId);
        IAdapterRegistry.AdapterRecord memory record = directory.recordOf(id);
        commitment = _commitmentOf(id, record.verifier);
        deprecated = _states[modelId] == State.Deprecated || directory.statusOf(id) != IAdapterRegistry.Status.Anchored;
        owner = record.owner;
    }

    /// @inheritdoc IERCZKMLVerifier
    function registry() external view returns (address registryAddress) {
        return address(this);
    }

    /**
     * @inheritdoc IERCZKMLVerifier
     * @dev Reverts with {ModelNotFound}.
     */
    function proofSystemOf(uint256 modelId) public view returns (bytes4) {
        _requireRegistered(modelId);
        return PROOF_SYSTEM;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERCZKMLRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    function _requireRegistered(uint256 modelId) private view {
        require(_states[modelId] != State.Unregistered, ModelNotFound(modelId));
    }

    function _requireOwner(uint256 modelId) private view {
        _requireRegistered(modelId);
        require(msg.sender == directory.ownerOf(bytes32(modelId)), NotModelOwner(modelId, msg.sender));
    }

    function _commitmentOf(bytes32 id, bytes32 verifier) private pure returns (ModelCommitment memory) {
        return ModelCommitment(id, verifier, 0, PROOF_SYSTEM, '');
    }
}
