// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AdapterRegistry} from '../../contracts/AdapterRegistry.sol';
import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';

/// @dev The test runner's cheat codes used here; they live at a fixed address.
interface Cheats {
    function addr(uint256 privateKey) external pure returns (address);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata revertData) external;
    function expectRevert() external;
    function warp(uint256 time) external;
    function chainId(uint256 id) external;
    function getCode(string calldata artifact) external view returns (bytes memory creationCode);
}

/// @title A registry and what signs for it
abstract contract RegistryFixture {
    Cheats internal constant VM = Cheats(address(uint160(uint256(keccak256('hevm cheat code')))));
    uint256 internal constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 internal constant NOW = 1_763_800_000;

    AdapterRegistry internal registry;

    function setUp() public virtual {
        registry = _deployRegistry();
        VM.warp(NOW);
    }

    /// @dev By its artifact: with `new`, the compiler would optimise the registry again within each test contract.
    function _deployRegistry() internal returns (AdapterRegistry deployed) {
        bytes memory code = VM.getCode('AdapterRegistry.sol:AdapterRegistry');
        assembly ('memory-safe') {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(address(deployed) != address(0), 'not deployed');
    }

    function _attest(
        IAdapterRegistry.AdapterRecord memory record,
        uint256 key,
        uint64 issuedAt
    ) internal view returns (IAdapterRegistry.Attestation memory) {
        bytes memory signature = _sign(key, registry.attestationDigest(record, issuedAt));
        return IAdapterRegistry.Attestation(VM.addr(key), issuedAt, signature);
    }

    function _anchor(IAdapterRegistry.AdapterRecord memory record, uint256 key) internal returns (bytes32) {
        IAdapterRegistry.Attestation memory attestation = _attest(record, key, 0);
        VM.prank(record.owner);
        return registry.anchor(record, attestation);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _key(uint256 seed) internal pure returns (uint256) {
        return 1 + (seed % (CURVE_ORDER - 1));
    }

    function _past(uint64 seed) internal pure returns (uint64) {
        return uint64(seed % (NOW + 1));
    }
}
