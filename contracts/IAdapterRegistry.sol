// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/**
 * @title Registry of proven LoRA adapters
 * @notice Records, once and for ever, that the owner of a proven fine-tuning run showed an attestation of it.
 *
 * The registry verifies no proof. It records who attested that the proofs of a run were verified; a reader decides
 * which attesters to trust. Nobody, the deployer included, has any power over a record.
 *
 * Records are stored under {idOf}, a hash of the whole record with its owner in it, and only that owner may anchor it.
 * So two owners may anchor the same adapter root (each by a run of their own), nobody can occupy another's id, and an
 * adapter root alone names no record: look `AdapterAnchored` up by root and owner, or ask with the whole record.
 *
 * Attestations are EIP-712 messages of the chain-neutral domain {name: "zkLoRA", version: "1"}, without chainId and
 * verifyingContract: "the proofs of this run were verified" is true or false on every chain alike. Replaying one is
 * harmless, since it is bound to the record's owner, who alone can anchor it, and anchoring twice is refused.
 */
interface IAdapterRegistry {
    /// @notice State of an id; later states may be added after `Anchored`, so compare with `==`.
    enum Status {
        Unknown,
        Anchored
    }

    /**
     * @notice The facts of a proven run; the fields are those of `RunAttestation`, without the time of issue.
     * @param runId binds base, data, configuration, nonce and owner
     * @param runDigest binds the chain of segment proofs
     * @param adapterRoot commitment of the final adapter
     * @param baseRoot commitment of the base model
     * @param dataRoot commitment of the training data
     * @param owner the trainer, to whom the statement of the proofs is bound
     * @param steps number of optimiser steps proven, from step 0 on
     * @param verifier version of the verifier that accepted the proofs
     */
    struct AdapterRecord {
        bytes32 runId;
        bytes32 runDigest;
        bytes32 adapterRoot;
        bytes32 baseRoot;
        bytes32 dataRoot;
        address owner;
        uint64 steps;
        bytes32 verifier;
    }

    /**
     * @notice A signature over `RunAttestation(record, issuedAt)`.
     * @param attester who signed
     * @param issuedAt when, in seconds since 1970
     * @param signature 65 bytes r ‖ s ‖ v with s in the lower half of the order and v 27 or 28
     */
    struct Attestation {
        address attester;
        uint64 issuedAt;
        bytes signature;
    }

    /**
     * @notice What the registry keeps of a record: one storage slot.
     * @param attester who signed the attestation
     * @param issuedAt when, in seconds since 1970
     * @param anchoredAt time of the anchoring block, in seconds since 1970
     * @param status Unknown for an id that was never anchored; all else is then zero
     */
    struct Anchor {
        address attester;
        uint40 issuedAt;
        uint40 anchoredAt;
        Status status;
    }

    /**
     * @notice A record was anchored; carries the preimage of `id` and the attestation.
     * @param id hash of the record, see {idOf}
     * @param adapterRoot the record's
     * @param owner the record's, who sent the transaction
     * @param runId the record's
     * @param runDigest the record's
     * @param baseRoot the record's
     * @param dataRoot the record's
     * @param steps the record's
     * @param verifier the record's
     * @param attester who signed the attestation
     * @param issuedAt when, in seconds since 1970
     */
    event AdapterAnchored(
        bytes32 indexed id,
        bytes32 indexed adapterRoot,
        address indexed owner,
        bytes32 runId,
        bytes32 runDigest,
        bytes32 baseRoot,
        bytes32 dataRoot,
        uint64 steps,
        bytes32 verifier,
        address attester,
        uint64 issuedAt
    );

    /// @notice Only the record's owner may anchor it.
    error NotRecordOwner(address sender, address owner);
    /// @notice The record is anchored already.
    error AlreadyAnchored(bytes32 id);
    /// @notice The signature is not 65 bytes, malleable, or of no key at all.
    error InvalidSignature();
    /// @notice The signature is another key's, or over another record or time.
    error AttesterMismatch(address claimed, address recovered);
    /// @notice The attestation is dated further ahead of the block than clocks may differ.
    error AttestationFromFuture(uint64 issuedAt, uint256 blockTime);

    /**
     * @notice Anchors the sender's record with an attestation of it.
     * @dev Emits {AdapterAnchored}. Reverts with any error above.
     * @param record the facts; `record.owner` must be the sender
     * @param attestation by whomever the readers of this record are to trust
     * @return id where the anchor is found
     */
    function anchor(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id);

    /**
     * @notice The id of a record, whether anchored or not; the same on every chain.
     * @param record the facts
     * @return its EIP-712 `hashStruct` as type `AdapterRecord`
     */
    function idOf(AdapterRecord calldata record) external pure returns (bytes32);

    /**
     * @notice The EIP-712 digest that an attester signs.
     * @param record the facts
     * @param issuedAt time of issue, in seconds since 1970
     * @return keccak256(0x1901 ‖ domain separator ‖ hashStruct(RunAttestation))
     */
    function attestationDigest(AdapterRecord calldata record, uint64 issuedAt) external pure returns (bytes32);

    /**
     * @notice What is kept under an id.
     * @param id hash of a record, see {idOf}
     * @return the anchor; all zero when there is none
     */
    function anchorOf(bytes32 id) external view returns (Anchor memory);

    /**
     * @notice Whether a record is anchored, by whomever it was attested.
     * @param id hash of a record, see {idOf}
     */
    function isAnchored(bytes32 id) external view returns (bool);

    /**
     * @notice Whether an anchored record was attested by a given attester.
     * @param id hash of a record, see {idOf}
     * @param attester whom the reader trusts
     */
    function isAttestedBy(bytes32 id, address attester) external view returns (bool);
}
