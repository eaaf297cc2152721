// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttesterSet} from '../../contracts/AttesterSet.sol';
import {AdapterEscrow} from '../../contracts/examples/AdapterEscrow.sol';
import {IAdapterRegistry} from '../../contracts/IAdapterRegistry.sol';
import {RegistryFixture} from './RegistryFixture.sol';

/// @dev A seller that asks for its money again while it is being paid.
contract GreedySeller {
    AdapterEscrow private immutable _escrow;
    uint256 public calls;

    constructor(AdapterEscrow escrow) {
        _escrow = escrow;
    }

    function collect() external {
        _escrow.withdraw();
    }

    receive() external payable {
        if (++calls < 5) _escrow.withdraw();
    }
}

/// @title The escrow's money under random inputs: it holds what is open or owed, and pays it once
contract EscrowTest is RegistryFixture {
    uint256 private constant ATTESTER = 77;
    address private constant INSPECTOR = address(0x1234);

    AdapterEscrow private _escrow;

    function setUp() public override {
        super.setUp();
        AttesterSet set = new AttesterSet(address(this));
        set.add(VM.addr(ATTESTER), 1, type(uint40).max);
        _escrow = new AdapterEscrow(registry, set, 1);
    }

    function testFuzz_paysASellerWhoCallsAgainOnce(uint64 price, uint64 others) external {
        GreedySeller seller = new GreedySeller(_escrow);
        // Somebody else's money is in the escrow too.
        _order(address(1), others);
        uint256 number = _order(address(seller), price);
        _pay(number, address(seller));
        seller.collect();
        require(address(seller).balance == price, 'not the price');
        require(address(_escrow).balance == others, "another's money");
        require(seller.calls() == 5 && _escrow.credit(address(seller)) == 0, 'calls');
    }

    function testFuzz_holdsWhatIsOpenOrOwed(uint64[8] calldata prices, uint8 outcomes) external {
        uint256 total = 0;
        uint256 paid = 0;
        for (uint256 i = 0; i < prices.length; ++i) {
            uint256 number = _order(address(uint160(100 + i)), prices[i]);
            total += prices[i];
            if ((outcomes >> i) & 1 == 1) {
                _pay(number, address(uint160(100 + i)));
                paid += prices[i];
            }
        }
        VM.warp(NOW + 1001);
        for (uint256 i = 0; i < prices.length; ++i) {
            (bool refunded, ) = address(_escrow).call(abi.encodeCall(AdapterEscrow.refund, (i)));
            require(refunded == ((outcomes >> i) & 1 == 0), 'refunded what was paid');
        }
        require(address(_escrow).balance == total, 'held');
        require(_escrow.credit(address(this)) == total - paid, 'owed to the buyer');
        _escrow.withdraw();
        require(address(_escrow).balance == paid, 'owed to the sellers');
    }

    receive() external payable {}

    function _order(address seller, uint256 price) private returns (uint256) {
        return _escrow.order{value: price}(seller, INSPECTOR, keccak256(abi.encode(seller)), uint40(NOW + 1000));
    }

    function _pay(uint256 number, address seller) private {
        IAdapterRegistry.AdapterRecord memory record;
        record.adapterRoot = keccak256(abi.encode(seller));
        record.owner = seller;
        IAdapterRegistry.Attestation memory attestation = _attest(record, ATTESTER, uint64(NOW));
        VM.prank(seller);
        registry.anchor(record, attestation);
        VM.prank(INSPECTOR);
        _escrow.report(number, record.adapterRoot, record);
    }
}
