// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/**
 * @title Registry of proven LoRA adapters
 * @notice Records, once and for ever, that the owner of a proven fine-tuning run showed an attestation of it, and what
 * the owner said of it later: that it is revoked, or superseded by another.
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
 *
 * What an owner consents to for {anchorFor} is another matter: those messages are of the domain that ERC-5267's
 * `eip712Domain` describes, with chainId and verifyingContract, and carry a nonce and a deadline.
 *
 * Storage holds one slot for a record; its fields are in the event and in the hands of whoever asks. A contract that
 * needs them takes the whole record as an argument and asks by {idOf}: the id binds every field.
 */
interface IAdapterRegistry {
    /**
     * @notice State of an id. From Unknown: to each other state; from Anchored: to Superseded or Revoked; from
     * Superseded: to Revoked. Nothing leads out of Revoked. Compare with `==`.
     */
    enum Status {
        Unknown,
        Anchored,
        Superseded,
        Revoked
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
     * @param attester who signed the first attestation
     * @param issuedAt when, in seconds since 1970
     * @param anchoredAt time of the anchoring block, in seconds since 1970
     * @param status see {Status}; all else is zero for an id that was never anchored
     */
    struct Anchor {
        address attester;
        uint40 issuedAt;
        uint40 anchoredAt;
        Status status;
    }

    /**
     * @notice An owner's signature over `AnchorConsent(AdapterRecord record,address attester,uint256 nonce,uint256
     * deadline)` in this registry's own domain.
     * @param nonce the owner's next, see {nonces}
     * @param deadline last block time at which it is valid, in seconds since 1970
     * @param signature 65 bytes as of an attestation, or whatever the owner's contract accepts (ERC-1271)
     */
    struct OwnerConsent {
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    /**
     * @notice Many records of one owner, anchored by the root of a tree.
     * @param anchoredAt time of the anchoring block, in seconds since 1970; zero where there is no such batch
     * @param count number of leaves
     */
    struct Batch {
        uint40 anchoredAt;
        uint32 count;
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

    /**
     * @notice A further attestation of an anchored record was recorded.
     * @param id hash of the record, see {idOf}
     * @param attester who signed it
     * @param issuedAt when, in seconds since 1970
     */
    event AdapterAttested(bytes32 indexed id, address indexed attester, uint64 issuedAt);

    /// @notice The record with this id, see {idOf}, was revoked for ever by its owner, who sent the transaction.
    event AdapterRevoked(bytes32 indexed id, address indexed owner);

    /**
     * @notice A record was superseded by another of the same owner.
     * @param id hash of the older record, see {idOf}
     * @param successor hash of the newer one
     * @param owner of both, who sent the transaction
     */
    event AdapterSuperseded(bytes32 indexed id, bytes32 indexed successor, address indexed owner);

    /**
     * @notice A batch of records was anchored.
     * @param root of the tree, see {anchorBatch}
     * @param owner who sent the transaction: the owner of every record in it
     * @param count number of leaves
     */
    event BatchAnchored(bytes32 indexed root, address indexed owner, uint32 count);

    /// @notice An owner, who sent the transaction, made all consents with this nonce void.
    event ConsentCancelled(address indexed owner, uint256 nonce);

    /// @notice Only the record's owner may do this.
    error NotRecordOwner(address sender, address owner);
    /// @notice The record is anchored, superseded or revoked already.
    error AlreadyAnchored(bytes32 id);
    /// @notice The record is not anchored: unknown, superseded or revoked.
    error NotAnchored(bytes32 id, Status status);
    /// @notice The attester's attestation of this record is recorded already.
    error AlreadyAttested(bytes32 id, address attester);
    /// @notice The record is revoked already.
    error AlreadyRevoked(bytes32 id);
    /// @notice The record is superseded or revoked already.
    error NotSupersedable(bytes32 id, Status status);
    /// @notice The newer record supersedes another one already.
    error AlreadySuccessor(bytes32 id, bytes32 parent);
    /// @notice No record supersedes itself.
    error SupersedesItself(bytes32 id);
    /// @notice The sender has anchored a batch with this root.
    error BatchAlreadyAnchored(address owner, bytes32 root);
    /// @notice A batch has at least one record.
    error EmptyBatch();
    /// @notice The consent's deadline is past.
    error ConsentExpired(uint256 deadline, uint256 blockTime);
    /// @notice The signature is not the owner's consent to this record, attester, nonce and deadline.
    error InvalidConsent(address owner);
    /// @notice The attesters asked for are not in strictly ascending order, so one might count twice.
    error AttestersNotAscending(uint256 index);
    /// @notice A threshold of zero would be met by nobody's attestation.
    error ZeroThreshold();
    /// @notice The signature is not 65 bytes, malleable, or of no key at all.
    error InvalidSignature();
    /// @notice The signature is another key's, or over another record or time.
    error AttesterMismatch(address claimed, address recovered);
    /// @notice The attestation is dated further ahead of the block than clocks may differ.
    error AttestationFromFuture(uint64 issuedAt, uint256 blockTime);

    /**
     * @notice Anchors the sender's record with an attestation of it.
     * @dev Emits {AdapterAnchored}. Reverts with {NotRecordOwner}, {AlreadyAnchored}, {AttestationFromFuture},
     * {InvalidSignature} or {AttesterMismatch}.
     * @param record the facts; `record.owner` must be the sender
     * @param attestation by whomever the readers of this record are to trust
     * @return id where the anchor is found
     */
    function anchor(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id);

    /**
     * @notice Anchors another's record by the owner's signature; the sender pays.
     * @dev Emits {AdapterAnchored}. Reverts as {anchor} does but for the sender, and with {ConsentExpired},
     * {InvalidConsent} or OpenZeppelin's `InvalidAccountNonce`.
     * @param record the facts; `record.owner` must have signed
     * @param attestation by the attester that the owner's consent names
     * @param consent the owner's
     * @return id where the anchor is found
     */
    function anchorFor(
        AdapterRecord calldata record,
        Attestation calldata attestation,
        OwnerConsent calldata consent
    ) external returns (bytes32 id);

    /**
     * @notice Makes the sender's consents with the present nonce void.
     * @dev Emits {ConsentCancelled}.
     */
    function cancelConsents() external;

    /**
     * @notice Records a further attestation of an anchored record. Anybody may bring it: it is the attester's word.
     * Each attester's first one brought stays, also where the attester has signed others with other times.
     * @dev Emits {AdapterAttested}. Reverts with {NotAnchored}, {AlreadyAttested}, {AttestationFromFuture},
     * {InvalidSignature} or {AttesterMismatch}.
     * @param record the facts
     * @param attestation by an attester who has none recorded for this record
     * @return id hash of the record
     */
    function attest(AdapterRecord calldata record, Attestation calldata attestation) external returns (bytes32 id);

    /**
     * @notice Revokes the sender's record for ever. One that is in a batch, or not anchored yet, is revoked likewise.
     * @dev Emits {AdapterRevoked}. Reverts with {NotRecordOwner} or {AlreadyRevoked}.
     * @param record the facts; `record.owner` must be the sender
     * @return id hash of the record
     */
    function revoke(AdapterRecord calldata record) external returns (bytes32 id);

    /**
     * @notice Marks the sender's older record as superseded by a newer one that is anchored here. The older one may be
     * anchored here, in a batch or in another registry. Lineages have no branches and no cycles.
     * @dev Emits {AdapterSuperseded}. Reverts with {NotRecordOwner}, {NotAnchored} for the newer, {NotSupersedable} for
     * the older, {SupersedesItself} or {AlreadySuccessor}.
     * @param older record, of the sender
     * @param newer record, of the sender
     */
    function supersede(AdapterRecord calldata older, AdapterRecord calldata newer) external;

    /**
     * @notice Anchors many records of the sender by a Merkle root. No attestation is verified here: a reader takes each
     * record with its attestation and asks {verifyInclusion} and {verifyAttestation}.
     *
     * The tree is binary, of depth ⌈log2 count⌉, its leaves in the order of their index from 0 on:
     * leaf(i)    = keccak256(abi.encode(keccak256("zkLoRA.batch.leaf.v1"), i, idOf(record)))
     * padding    = bytes32(0), for indexes from count on
     * node(l, r) = keccak256(abi.encode(keccak256("zkLoRA.batch.node.v1"), l, r))
     * Their first words set leaves and nodes apart, so none passes for the other; the index is hashed and gives the
     * side at each level, so a proof holds for one index alone.
     * @dev Emits {BatchAnchored}. Reverts with {EmptyBatch} or {BatchAlreadyAnchored}.
     * @param root of the tree
     * @param count number of records, at least 1
     */
    function anchorBatch(bytes32 root, uint32 count) external;

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
     * @notice The EIP-712 digest that an owner signs for {anchorFor}, on this chain and for this contract.
     * @param record the facts
     * @param attester whose attestation it is to be anchored with
     * @param nonce the owner's next
     * @param deadline last block time at which the consent is valid
     */
    function consentDigest(
        AdapterRecord calldata record,
        address attester,
        uint256 nonce,
        uint256 deadline
    ) external view returns (bytes32);

    /**
     * @notice The nonce that an owner's next consent must have.
     * @param owner of records
     */
    function nonces(address owner) external view returns (uint256);

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

    /**
     * @notice Whether a record is anchored and attested by at least `threshold` of the attesters a reader trusts.
     * @dev Reverts with {ZeroThreshold} or {AttestersNotAscending}.
     * @param id hash of a record, see {idOf}
     * @param attesters whom the reader trusts, in strictly ascending order
     * @param threshold how many of them must have attested, at least 1
     */
    function isAttested(bytes32 id, address[] calldata attesters, uint256 threshold) external view returns (bool);

    /**
     * @notice When an attester's attestation of a record was issued and recorded, whatever became of the record.
     * @param id hash of a record, see {idOf}
     * @param attester who may have attested
     * @return issuedAt what the attester says, in seconds since 1970
     * @return recordedAt time of the block, in seconds since 1970; zero where there is no attestation
     */
    function attestationOf(bytes32 id, address attester) external view returns (uint40 issuedAt, uint40 recordedAt);

    /**
     * @notice Whether a signature is the attester's over a record and a time not in the future; stores nothing.
     * @param record the facts
     * @param attestation claimed to be of them
     */
    function verifyAttestation(
        AdapterRecord calldata record,
        Attestation calldata attestation
    ) external view returns (bool);

    /// @notice State of the record with this id, see {idOf}.
    function statusOf(bytes32 id) external view returns (Status);

    /**
     * @notice When a record was first superseded or revoked, in seconds since 1970; zero if neither.
     * @param id hash of a record, see {idOf}
     */
    function endedAt(bytes32 id) external view returns (uint40);

    /// @notice Id of the record that the one with this id supersedes; zero if none.
    function parentOf(bytes32 id) external view returns (bytes32);

    /// @notice Id of the record that supersedes the one with this id; zero if none.
    function successorOf(bytes32 id) external view returns (bytes32);

    /**
     * @notice What is kept of a batch.
     * @param owner who anchored it
     * @param root of its tree
     */
    function batchOf(address owner, bytes32 root) external view returns (Batch memory);

    /**
     * @notice Whether a record is in a batch that its owner anchored, and is neither superseded nor revoked.
     * @param root of the batch's tree, see {anchorBatch}
     * @param index of the record's leaf
     * @param record the facts
     * @param proof siblings from the leaf's upwards, ⌈log2 count⌉ of them
     */
    function verifyInclusion(
        bytes32 root,
        uint256 index,
        AdapterRecord calldata record,
        bytes32[] calldata proof
    ) external view returns (bool);
}
