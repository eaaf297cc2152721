// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Attestation} from '@ethereum-attestation-service/eas-contracts/contracts/Common.sol';
import {IEAS} from '@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol';
import {SchemaResolver} from '@ethereum-attestation-service/eas-contracts/contracts/resolver/SchemaResolver.sol';
import {IAdapterRegistry} from '../IAdapterRegistry.sol';
import {IAttesterSet} from '../IAttesterSet.sol';

/**
 * @title Resolver of attestations that name anchored adapters
 * @notice An option: nothing of the project depends on it. It lets the Ethereum Attestation Service accept an
 * attestation under {SCHEMA} only if the record in it is anchored in the registry, is addressed to the record's owner
 * and, where a set is given, counts for the set at that time. Whoever attests by it says no more than that.
 *
 * An accepted attestation stays when the record is revoked or superseded later, as EAS has it: ask {isCurrent}.
 */
contract AdapterSchemaResolver is SchemaResolver {
    /// @notice The schema as EAS registers it, revocable, with this resolver: the fields of a record in their order.
    string public constant SCHEMA =
        'bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,'
        'address owner,uint64 steps,bytes32 verifier';

    /// @dev Bytes of a record: eight words.
    uint256 private constant RECORD_LENGTH = 256;

    /// @notice Where the schema is registered. Attestations under any other schema with this resolver are refused: it
    /// might give the fields other names.
    bytes32 public immutable schemaUid;
    /// @notice Where records must be anchored.
    IAdapterRegistry public immutable registry;
    /// @notice The set for which records must count; the zero address for none.
    IAttesterSet public immutable attesters;
    /// @notice How many of the set must have attested; zero where there is no set.
    uint256 public immutable threshold;

    /// @notice There is a registry, and a set with a threshold of at least 1 or neither.
    error InvalidConfiguration(IAdapterRegistry registry, IAttesterSet attesters, uint256 threshold);
    /// @notice The attestation is not under {schemaUid}.
    error WrongSchema(bytes32 schema);
    /// @notice The attestation's data isn't eight words.
    error WrongLength(uint256 length);
    /// @notice The attestation isn't addressed to the record's owner.
    error WrongRecipient(address recipient, address owner);
    /// @notice The record is not anchored, or does not count for the set.
    error NotTrusted(bytes32 id);

    /**
     * @notice Sets what is trusted, for ever.
     * @param eas the service
     * @param registry_ where records must be anchored
     * @param attesters_ for which they must count; zero for none
     * @param threshold_ at least 1; 0 without a set
     */
    constructor(IEAS eas, IAdapterRegistry registry_, IAttesterSet attesters_, uint256 threshold_) SchemaResolver(eas) {
        require(
            address(registry_) != address(0) && (address(attesters_) == address(0)) == (threshold_ == 0),
            InvalidConfiguration(registry_, attesters_, threshold_)
        );
        (registry, attesters, threshold) = (registry_, attesters_, threshold_);
        schemaUid = keccak256(abi.encodePacked(SCHEMA, address(this), true));
    }

    /**
     * @notice Whether an attestation made under {schemaUid} is neither revoked nor expired, and its record is trusted
     * still.
     * @param uid of the attestation; false for an unknown one
     */
    function isCurrent(bytes32 uid) external view returns (bool) {
        Attestation memory attestation = _eas.getAttestation(uid);
        if (attestation.schema != schemaUid || attestation.revocationTime != 0) return false;
        if (attestation.expirationTime != 0 && attestation.expirationTime <= block.timestamp) return false;
        IAdapterRegistry.AdapterRecord memory record = abi.decode(attestation.data, (IAdapterRegistry.AdapterRecord));
        return _isTrusted(registry.idOf(record), record);
    }

    /**
     * @notice Reverts with {WrongSchema}, {WrongLength}, {WrongRecipient} or {NotTrusted}; where a word exceeds its
     * type, without data.
     */
    function onAttest(Attestation calldata attestation, uint256) internal view override returns (bool) {
        require(attestation.schema == schemaUid, WrongSchema(attestation.schema));
        require(attestation.data.length == RECORD_LENGTH, WrongLength(attestation.data.length));
        IAdapterRegistry.AdapterRecord memory record = abi.decode(attestation.data, (IAdapterRegistry.AdapterRecord));
        require(attestation.recipient == record.owner, WrongRecipient(attestation.recipient, record.owner));
        bytes32 id = registry.idOf(record);
        require(_isTrusted(id, record), NotTrusted(id));
        return true;
    }

    /// @dev EAS asks for the attester's own revocations alone.
    function onRevoke(Attestation calldata, uint256) internal pure override returns (bool) {
        return true;
    }

    function _isTrusted(bytes32 id, IAdapterRegistry.AdapterRecord memory record) private view returns (bool) {
        if (address(attesters) == address(0)) return registry.isAnchored(id);
        return attesters.isAttested(registry, record, threshold);
    }
}
