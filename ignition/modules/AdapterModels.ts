import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';

import AdapterDirectory from './AdapterDirectory.ts';

/** Deploys the facade in the shape of ERC-7992 (draft), with its directory and registry unless they are there. */
export default buildModule('AdapterModels', (m) => {
  const { registry, directory } = m.useModule(AdapterDirectory);
  return { registry, directory, models: m.contract('AdapterModels', [directory]) };
});
