import { artifacts } from 'hardhat';
import { toFunctionSelector, toHex, type AbiFunction, type Hex } from 'viem';

/** ERC-165: the exclusive or of the selectors of an interface's own functions, as 4 bytes. */
export async function interfaceId(name: string): Promise<Hex> {
  const { abi } = await artifacts.readArtifact(name);
  const selectors = (abi as readonly { type: string }[])
    .filter((entry): entry is AbiFunction => entry.type === 'function')
    .map((entry) => Number(toFunctionSelector(entry)));
  return toHex(
    selectors.reduce((id, selector) => (id ^ selector) >>> 0, 0),
    { size: 4 },
  );
}
