// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The Merkle tree of a batch
/// @notice The format is that of {IAdapterRegistry-anchorBatch}.
library BatchTree {
    bytes32 private constant LEAF = keccak256('zkLoRA.batch.leaf.v1');
    bytes32 private constant NODE = keccak256('zkLoRA.batch.node.v1');

    /**
     * @notice Whether `id` is the leaf at `index` of a tree with `count` leaves.
     * @param root of the tree
     * @param count number of leaves, 1 to 2^32 - 1
     * @param index of the leaf
     * @param id of the record
     * @param proof siblings from the leaf's upwards; its length must be the tree's depth
     */
    function includes(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 id,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        // Depth ⌈log2 count⌉: count fits in 2^depth leaves, and not in half of them. From 256 on, 1 << depth is 0.
        uint256 depth = proof.length;
        if (index >= count || count > 1 << depth || (depth > 0 && count <= 1 << (depth - 1))) return false;
        bytes32 hash = keccak256(abi.encode(LEAF, index, id));
        for (uint256 level = 0; level < depth; ++level) {
            bytes32 sibling = proof[level];
            hash =
                (index >> level) & 1 == 0
                    ? keccak256(abi.encode(NODE, hash, sibling))
                    : keccak256(abi.encode(NODE, sibling, hash));
        }
        return hash == root;
    }
}
