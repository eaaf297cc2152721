// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from './IAdapterRegistry.sol';

/**
 * @title A reader's set of attesters
 * @notice Whom a reader, or a circle of readers, trusts to have verified proofs; and which verifier versions no more.
 *
 * The curator adds attesters until the set is frozen, and withdraws attesters and verifier versions, also afterwards.
 * Nothing is ever removed or changed in silence: every entry stays, with its dates, and every change has an event. The
 * curator has no power over the registry; a reader that doesn't trust the curator passes its own list of attesters to
 * {IAdapterRegistry-isAttested}.
 *
 * An attestation counts when it was issued at or after the key's `validFrom`, and was on chain before the key's
 * `validUntil` and before its withdrawal took effect. The end is measured by the block and not by the date in the
 * attestation, since whoever stole a key can date back.
 */
interface IAttesterSet {
    /**
     * @notice One attester's key; rotate by adding another key and letting this one end. Times in seconds since 1970.
     * @param validFrom attestations issued before don't count; zero for an address that is no member
     * @param validUntil attestations on chain at or after this time don't count
     * @param withdrawnSince attestations on chain at or after this time don't count; zero: not withdrawn
     * @param withdrawnAt time of the block that withdrew it last; zero: not withdrawn
     */
    struct Member {
        uint40 validFrom;
        uint40 validUntil;
        uint40 withdrawnSince;
        uint40 withdrawnAt;
    }

    /// @notice An attester was added, with its window in seconds since 1970.
    event AttesterAdded(address indexed attester, uint40 validFrom, uint40 validUntil);
    /// @notice An attester was withdrawn: what was on chain at or after `since` doesn't count.
    event AttesterWithdrawn(address indexed attester, uint40 since);
    /// @notice A verifier version was withdrawn: no record proven by it counts.
    event VerifierWithdrawn(bytes32 indexed verifier);
    /// @notice The set was frozen: no attester can be added any more.
    event SetFrozen();

    /// @notice Only the curator may do this.
    error NotCurator(address sender, address curator);
    /// @notice The curator can't be the zero address, which nobody controls.
    error ZeroCurator();
    /// @notice The set is frozen.
    error Frozen();
    /// @notice The zero address attests nothing.
    error ZeroAttester();
    /// @notice The attester is a member, or was one.
    error AlreadyMember(address attester);
    /// @notice The address is not and was never a member.
    error NotMember(address attester);
    /// @notice The window is empty or starts at zero.
    error InvalidWindow(uint40 validFrom, uint40 validUntil);
    /// @notice The set has as many members as one call can visit.
    error SetFull(uint256 maximum);
    /// @notice A withdrawal takes effect at a time from 1 to the block's, and may only be moved to an earlier one.
    error InvalidWithdrawal(address attester, uint40 since);
    /// @notice The verifier version is withdrawn already.
    error AlreadyWithdrawn(bytes32 verifier);
    /// @notice A threshold of zero would be met by nobody's attestation.
    error ZeroThreshold();

    /**
     * @notice Adds an attester's key.
     * @dev Emits {AttesterAdded}. Reverts with {NotCurator}, {Frozen}, {ZeroAttester}, {AlreadyMember}, {InvalidWindow}
     * or {SetFull}.
     * @param attester address of the key
     * @param validFrom first time of issue that counts, in seconds since 1970, at least 1
     * @param validUntil time from which on nothing new on chain counts; after validFrom
     */
    function add(address attester, uint40 validFrom, uint40 validUntil) external;

    /**
     * @notice Withdraws an attester's key, as of now or of an earlier time; again, to move that time further back.
     * @dev Emits {AttesterWithdrawn}. Reverts with {NotCurator}, {NotMember} or {InvalidWithdrawal}.
     * @param attester a member
     * @param since from when on its attestations don't count, in seconds since 1970
     */
    function withdraw(address attester, uint40 since) external;

    /**
     * @notice Withdraws a verifier version, for ever: it accepted what it should have refused.
     * @dev Emits {VerifierWithdrawn}. Reverts with {NotCurator} or {AlreadyWithdrawn}.
     * @param verifier as in {IAdapterRegistry-AdapterRecord}
     */
    function withdrawVerifier(bytes32 verifier) external;

    /**
     * @notice Ends adding, for ever; withdrawing stays possible.
     * @dev Emits {SetFrozen}. Reverts with {NotCurator} or {Frozen}.
     */
    function freeze() external;

    /// @notice Who may add, withdraw and freeze; a contract may stand for many.
    function curator() external view returns (address);

    /// @notice Whether adding has ended.
    function frozen() external view returns (bool);

    /// @notice Every member that is or was, in the order of adding.
    function members() external view returns (address[] memory);

    /**
     * @notice One member's dates; all zero for an address that was never one.
     * @param attester address of the key
     */
    function memberOf(address attester) external view returns (Member memory);

    /**
     * @notice When a verifier version was withdrawn, in seconds since 1970; zero if it was not.
     * @param verifier as in {IAdapterRegistry-AdapterRecord}
     */
    function verifierWithdrawnAt(bytes32 verifier) external view returns (uint40);

    /**
     * @notice Whether a record is anchored in a registry, its verifier version is not withdrawn, and at least
     * `threshold` members' attestations of it count.
     * @dev Reverts with {ZeroThreshold}.
     * @param registry where to look
     * @param record the facts
     * @param threshold at least 1
     */
    function isAttested(
        IAdapterRegistry registry,
        IAdapterRegistry.AdapterRecord calldata record,
        uint256 threshold
    ) external view returns (bool);
}
