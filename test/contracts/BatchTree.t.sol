// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';
import {RegistryFixture} from './RegistryFixture.sol';

/// @title Batches under random inputs: a proof holds for one record at one index
contract BatchTreeTest is RegistryFixture {
    bytes32 private constant LEAF = keccak256('zkLoRA.batch.leaf.v1');
    bytes32 private constant NODE = keccak256('zkLoRA.batch.node.v1');
    address private constant OWNER = address(0xabcdef);

    function testFuzz_includesEachRecordAtItsIndexAlone(
        uint256 seed,
        uint256 count,
        uint256 index,
        uint256 other
    ) external {
        count = 1 + (count % 33);
        index %= count;
        (bytes32 root, bytes32[] memory proof) = _tree(seed, count, index);
        VM.prank(OWNER);
        registry.anchorBatch(root, uint32(count));
        require(registry.verifyInclusion(root, index, _record(seed, index), proof), 'not included');
        if (other != index) {
            require(!registry.verifyInclusion(root, other, _record(seed, index), proof), 'another index');
            require(!registry.verifyInclusion(root, index, _record(seed, other), proof), 'another record');
            require(!registry.verifyInclusion(root, other, _record(seed, other), proof), 'both');
        }
        // An index that differs in a bit beyond the depth would take the same sides.
        uint256 alias_ = index + (1 << proof.length);
        require(!registry.verifyInclusion(root, alias_, _record(seed, index), proof), 'alias');
    }

    function testFuzz_refusesChangedProofs(
        uint256 seed,
        uint256 count,
        uint256 index,
        uint256 position,
        bytes32 change
    ) external {
        VM.assume(change != 0);
        count = 2 + (count % 32);
        index %= count;
        (bytes32 root, bytes32[] memory proof) = _tree(seed, count, index);
        VM.prank(OWNER);
        registry.anchorBatch(root, uint32(count));

        bytes32[] memory shorter = new bytes32[](proof.length - 1);
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
            if (i < shorter.length) shorter[i] = proof[i];
        }
        require(!registry.verifyInclusion(root, index, _record(seed, index), shorter), 'shorter');
        require(!registry.verifyInclusion(root, index, _record(seed, index), longer), 'longer');
        proof[position % proof.length] ^= change;
        require(!registry.verifyInclusion(root, index, _record(seed, index), proof), 'changed');
    }

    /// @dev An inner node in the place of a leaf, and a leaf in that of a node: the second preimage of Merkle trees.
    function testFuzz_noNodePassesForALeaf(uint256 seed, bytes32 left, bytes32 right) external {
        bytes32 node = keccak256(abi.encode(NODE, left, right));
        VM.prank(OWNER);
        registry.anchorBatch(node, 1);
        require(!registry.verifyInclusion(node, 0, _record(seed, 0), new bytes32[](0)), 'node as leaf');

        (bytes32 root, bytes32[] memory proof) = _tree(seed, 4, 0);
        bytes32[] memory upper = new bytes32[](1);
        upper[0] = proof[1];
        VM.prank(OWNER);
        registry.anchorBatch(root, 2);
        require(!registry.verifyInclusion(root, 0, _record(seed, 0), upper), 'half a tree');
        require(!registry.verifyInclusion(root, 0, _record(seed, 0), proof), 'deeper than the count');
    }

    function testFuzz_refusesAnotherOwnersBatch(uint256 seed, uint256 count, address stranger) external {
        VM.assume(stranger != OWNER);
        count = 1 + (count % 8);
        (bytes32 root, bytes32[] memory proof) = _tree(seed, count, 0);
        VM.prank(stranger);
        registry.anchorBatch(root, uint32(count));
        require(!registry.verifyInclusion(root, 0, _record(seed, 0), proof), 'by a stranger');
    }

    function testFuzz_endedRecordsAreNotIncluded(uint256 seed, uint256 count, uint256 index, bool revoked) external {
        count = 1 + (count % 8);
        index %= count;
        (bytes32 root, bytes32[] memory proof) = _tree(seed, count, index);
        VM.prank(OWNER);
        registry.anchorBatch(root, uint32(count));
        IAdapterRegistry.AdapterRecord memory record = _record(seed, index);
        IAdapterRegistry.AdapterRecord memory newer = _record(seed, count);
        _anchor(newer, 7);
        VM.prank(OWNER);
        if (revoked) registry.revoke(record);
        else registry.supersede(record, newer);
        require(!registry.verifyInclusion(root, index, record, proof), 'ended');
    }

    /// @dev Root and proof of the record at `index`, computed level by level from all leaves.
    function _tree(
        uint256 seed,
        uint256 count,
        uint256 index
    ) private view returns (bytes32 root, bytes32[] memory proof) {
        uint256 depth = 0;
        while (1 << depth < count) ++depth;
        bytes32[] memory row = new bytes32[](1 << depth);
        for (uint256 i = 0; i < count; ++i) row[i] = keccak256(abi.encode(LEAF, i, registry.idOf(_record(seed, i))));
        proof = new bytes32[](depth);
        for (uint256 level = 0; level < depth; ++level) {
            proof[level] = row[(index >> level) ^ 1];
            for (uint256 i = 0; i < row.length >> (level + 1); ++i) {
                row[i] = keccak256(abi.encode(NODE, row[2 * i], row[2 * i + 1]));
            }
        }
        return (row[0], proof);
    }

    function _record(uint256 seed, uint256 index) private pure returns (IAdapterRegistry.AdapterRecord memory record) {
        record.runId = keccak256(abi.encode(seed, index));
        record.owner = OWNER;
    }
}
