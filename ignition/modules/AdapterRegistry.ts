import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';

/** Deploys the registry; it has no constructor arguments and no owner, so that create2 gives one address everywhere. */
export default buildModule('AdapterRegistry', (m) => ({ registry: m.contract('AdapterRegistry') }));
