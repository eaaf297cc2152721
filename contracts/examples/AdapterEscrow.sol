// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAdapterRegistry} from '../IAdapterRegistry.sol';
import {IAttesterSet} from '../IAttesterSet.sol';

/**
 * @title An escrow that pays for proven adapters alone
 * @notice An example. A contract can't see the delivered file, so buyer and seller name an inspector, whom both trust,
 * who computes the file's commitment and reports it. The right one pays the seller, if the adapter is then anchored by
 * the seller, attested by enough of the set and not revoked; a different one refunds the buyer. Without a payment until
 * the deadline, the buyer is refunded. A seller looks at the order, and at who is its inspector, before delivering.
 */
contract AdapterEscrow {
    /**
     * @param deadline last time of a payment, in seconds since 1970
     * @param open neither paid nor refunded yet
     * @param price in wei
     * @param adapterRoot commitment of the ordered adapter
     */
    struct Order {
        address buyer;
        address seller;
        address inspector;
        uint40 deadline;
        bool open;
        uint256 price;
        bytes32 adapterRoot;
    }

    /// @notice Where records must be anchored.
    IAdapterRegistry public immutable registry;
    /// @notice For whom they must count.
    IAttesterSet public immutable attesters;
    /// @notice How many of the set must have attested.
    uint256 public immutable threshold;

    /// @notice Wei that an address may withdraw.
    mapping(address account => uint256) public credit;
    Order[] private _orders;

    /// @notice An adapter was ordered and its price paid in.
    event Ordered(uint256 indexed order, address indexed buyer, address indexed seller, bytes32 adapterRoot);
    /// @notice The price was credited to the seller, for the record with this id.
    event Paid(uint256 indexed order, bytes32 indexed id);
    /// @notice The price was credited to the buyer.
    event Refunded(uint256 indexed order);

    error PastDeadline(uint40 deadline);
    error BeforeDeadline(uint40 deadline);
    error NotOpen(uint256 order);
    error NotInspector(address sender);
    error NotOrdered(bytes32 adapterRoot, address owner);
    error NotTrusted(bytes32 id);
    error WithdrawalFailed(address account);

    constructor(IAdapterRegistry registry_, IAttesterSet attesters_, uint256 threshold_) {
        (registry, attesters, threshold) = (registry_, attesters_, threshold_);
    }

    /// @notice Orders the adapter with this commitment for the wei sent along; returns the order's number.
    function order(
        address seller,
        address inspector,
        bytes32 adapterRoot,
        uint40 deadline
    ) external payable returns (uint256 number) {
        require(block.timestamp < deadline, PastDeadline(deadline));
        number = _orders.length;
        _orders.push(Order(msg.sender, seller, inspector, deadline, true, msg.value, adapterRoot));
        emit Ordered(number, msg.sender, seller, adapterRoot);
    }

    /// @notice The inspector reports the commitment of the delivered file; `record` is the seller's of the adapter.
    function report(uint256 number, bytes32 deliveredRoot, IAdapterRegistry.AdapterRecord calldata record) external {
        Order storage placed = _open(number);
        require(msg.sender == placed.inspector, NotInspector(msg.sender));
        require(block.timestamp <= placed.deadline, PastDeadline(placed.deadline));
        if (deliveredRoot != placed.adapterRoot) return _refund(number, placed);
        require(
            record.adapterRoot == placed.adapterRoot && record.owner == placed.seller,
            NotOrdered(record.adapterRoot, record.owner)
        );
        bytes32 id = registry.idOf(record);
        require(attesters.isAttested(registry, record, threshold), NotTrusted(id));
        placed.open = false;
        credit[placed.seller] += placed.price;
        emit Paid(number, id);
    }

    /// @notice Refunds an order that was not paid in time.
    function refund(uint256 number) external {
        Order storage placed = _open(number);
        require(block.timestamp > placed.deadline, BeforeDeadline(placed.deadline));
        _refund(number, placed);
    }

    /// @notice Sends the sender what is theirs.
    function withdraw() external {
        uint256 amount = credit[msg.sender];
        // Before the call: the receiver may call again.
        credit[msg.sender] = 0;
        (bool sent, ) = msg.sender.call{value: amount}('');
        require(sent, WithdrawalFailed(msg.sender));
    }

    /// @notice An order by its number.
    function orderOf(uint256 number) external view returns (Order memory) {
        return _orders[number];
    }

    function _open(uint256 number) private view returns (Order storage placed) {
        placed = _orders[number];
        require(placed.open, NotOpen(number));
    }

    function _refund(uint256 number, Order storage placed) private {
        placed.open = false;
        credit[placed.buyer] += placed.price;
        emit Refunded(number);
    }
}
