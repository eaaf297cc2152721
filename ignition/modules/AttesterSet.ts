import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';

/** Deploys a reader's attester set; the curator is immutable, and by default who deploys. */
export default buildModule('AttesterSet', (m) => ({
  set: m.contract('AttesterSet', [m.getParameter('curator', m.getAccount(0))]),
}));
