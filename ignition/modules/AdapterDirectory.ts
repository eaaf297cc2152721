import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';

import AdapterRegistry from './AdapterRegistry.ts';

/** Deploys the registry, unless it is there, and its directory; by create2 both have one address everywhere. */
export default buildModule('AdapterDirectory', (m) => {
  const { registry } = m.useModule(AdapterRegistry);
  return { registry, directory: m.contract('AdapterDirectory', [registry]) };
});
