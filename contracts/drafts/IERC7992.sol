// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/**
 * @title Registry of models, in the shape of ERC-7992
 * @notice The draft created on 2025-07-23, https://eips.ethereum.org/EIPS/eip-7992: same names, arguments and
 * selectors. Its error `ModelDeprecated` is in {ERC7992Errors}, since no contract may declare an event and an error of
 * one name. What each member means for adapters is told in {AdapterModels}.
 */
interface IERCZKMLRegistry {
    /**
     * @param modelHash hash of weights and architecture
     * @param circuitHash hash of the arithmetic circuit or AIR
     * @param vkHash hash of the verifying key
     * @param proofSystemId first four bytes of the hash of the proof system's name and version
     * @param uri of further data, not bound by any hash
     */
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        string uri;
    }

    /// @notice A model was registered.
    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);
    /// @notice A model's commitment was replaced.
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);
    /// @notice A model was deprecated by its owner.
    event ModelDeprecated(uint256 indexed modelId);

    /// @notice No model with this id is registered.
    error ModelNotFound(uint256 modelId);
    /// @notice Only the model's owner may do this.
    error NotModelOwner(uint256 modelId, address caller);

    /**
     * @notice Registers a model.
     * @param commitment of the model
     * @return modelId by which it is found
     */
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);

    /**
     * @notice Replaces a model's commitment.
     * @param modelId of a registered model
     * @param newCommitment in place of the present one
     */
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;

    /// @notice Deprecates a model.
    function deprecateModel(uint256 modelId) external;

    /**
     * @notice A registered model.
     * @param modelId of a registered model
     * @return commitment of the model
     * @return deprecated whether it is not to be used any more
     * @return owner who may deprecate it
     */
    function getModel(
        uint256 modelId
    ) external view returns (ModelCommitment memory commitment, bool deprecated, address owner);
}

/// @title Verifier of inferences, in the shape of ERC-7992
/// @notice See {IERCZKMLRegistry}.
interface IERCZKMLVerifier {
    /// @notice A proof of an inference was verified.
    event InferenceVerified(
        uint256 indexed modelId,
        bytes32 indexed inputCommitment,
        bytes output,
        address indexed caller
    );

    /// @notice The proof is invalid.
    error InvalidProof();
    /// @notice The proof is of another model.
    error ModelMismatch();
    /// @notice The proof is of another input.
    error InputCommitmentMismatch();
    /// @notice The output is not of the expected form.
    error OutputMismatch();
    /// @notice Proofs of this system aren't verified here.
    error UnsupportedProofSystem(bytes4 proofSystemId);
    /// @notice No inference of a deprecated model is verified.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /**
     * @notice Verifies a proof of an inference; reverts unless it is valid.
     * @param modelId of a registered model
     * @param inputCommitment of the inference's inputs
     * @param output ABI-encoded
     * @param proof of the inference
     */
    function verifyInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external;

    /// @notice The proof system that a registered model declares.
    function proofSystemOf(uint256 modelId) external view returns (bytes4);

    /// @notice The registry of models.
    function registry() external view returns (address registryAddress);
}

/// @title Errors of ERC-7992 that share their name with an event
/// @notice See {IERCZKMLRegistry}.
library ERC7992Errors {
    /// @notice The model is deprecated.
    error ModelDeprecated(uint256 modelId);
}
