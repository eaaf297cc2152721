import schemaRegistry from '@ethereum-attestation-service/eas-contracts/artifacts/contracts/SchemaRegistry.sol/SchemaRegistry.json' with { type: 'json' };
import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';
import { zeroAddress } from 'viem';

/**
 * Deploys the resolver and registers its schema with EAS. Parameters: `eas` and `schemaRegistry`, the service's contracts
 * on the chain; `registry`; and for records that count for a set alone `attesters` and `threshold`.
 */
export default buildModule('AdapterSchemaResolver', (m) => {
  const resolver = m.contract('AdapterSchemaResolver', [
    m.getParameter('eas'),
    m.getParameter('registry'),
    m.getParameter('attesters', zeroAddress),
    m.getParameter('threshold', 0n),
  ]);
  const schemas = m.contractAt('SchemaRegistry', schemaRegistry, m.getParameter('schemaRegistry'));
  m.call(schemas, 'register', [m.staticCall(resolver, 'SCHEMA'), resolver, true]);
  return { resolver };
});
