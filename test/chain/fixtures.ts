/** A local chain with a registry, owners with ether, and folders of attested runs, without proving anything. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTestClient,
  getAddress,
  http,
  keccak256,
  parseEther,
  publicActions,
  toHex,
  walletActions,
  type Hex,
} from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

import {
  adapterRecordId,
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  type RunAttestation,
  type Signed,
} from '../../protocol/attestation.ts';
import { signedToJson } from '../../protocol/attestation-json.ts';
import { toHex as hexOf } from '../../protocol/bytes.ts';
import { runId, type RunSpec } from '../../protocol/statement.ts';
import { deployRegistry } from '../../prover/chain/deploy.ts';
import { startHardhatNode } from '../../prover/chain/node.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

export const LOCAL_CHAIN = 31337;

/** A key that is the hash of a name: the same in every test. */
export const keyNamed = (name: string): Hex => keccak256(toHex(name));
export const accountNamed = (name: string): PrivateKeyAccount => privateKeyToAccount(keyNamed(name));
export const attester = accountNamed('attester');

/** A run folder with run.json, and its attestation in a file. */
export interface AttestedRun {
  readonly folder: string;
  readonly file: string;
  readonly spec: RunSpec;
  readonly signed: Signed<RunAttestation>;
  /** Id of its record. */
  readonly id: Hex;
  /** What it keeps of the transactions sent for it. */
  readonly journals: () => Promise<string[]>;
}

/** Signs that a run's proofs were verified. @param changes fields of the record that are to differ */
export async function attestRun(spec: RunSpec, changes: Partial<RunAttestation> = {}, by = attester) {
  const id: Hex = `0x${hexOf(runId(spec))}`;
  const field = (name: string) => keccak256(toHex(`${id}/${name}`));
  const message: RunAttestation = {
    runId: id,
    runDigest: field('runDigest'),
    adapterRoot: field('adapterRoot'),
    baseRoot: `0x${spec.baseRoot}`,
    dataRoot: `0x${spec.dataRoot}`,
    owner: getAddress(spec.owner),
    steps: BigInt(spec.steps),
    verifier: field('verifier'),
    issuedAt: 1_763_800_000n,
    ...changes,
  };
  const domain = ATTESTATION_DOMAIN;
  const signature = await by.signTypedData({
    domain,
    types: ATTESTATION_TYPES,
    primaryType: 'RunAttestation',
    message,
  });
  return { attestation: message, attester: by.address, signature };
}

/** Starts a chain with a registry. `stop` ends it and removes the folder. */
export async function localRegistry() {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-chain-'));
  const chain = await startHardhatNode();
  const { rpcUrl } = chain;
  const node = createTestClient({ mode: 'hardhat', transport: http(rpcUrl) })
    .extend(publicActions)
    .extend(walletActions);
  const fund = (address: Hex, ether = '10') => node.setBalance({ address, value: parseEther(ether) });
  const deployer = accountNamed('deployer');
  await fund(deployer.address);
  const { registry } = await deployRegistry({ rpcUrl, sender: { privateKey: keyNamed('deployer') } });
  let runs = 0;

  /** A run of an owner: the name of a key, or an address. */
  const run = async (owner: string, changes?: Partial<RunAttestation>): Promise<AttestedRun> => {
    const address = (owner.startsWith('0x') ? owner : accountNamed(owner).address).toLowerCase();
    const seed = keccak256(toHex(`run ${(runs += 1)}`)).slice(2);
    const spec: RunSpec = { ...SAMPLE_RUN, nonce: seed, owner: address };
    const at = join(folder, `run-${runs}`);
    await mkdir(at);
    const about = { name: 'sample', model: 'model', baseDigest: seed, givenAdapter: false };
    const text = JSON.stringify({ format: 1, ...about, evalEvery: 0, checkpointEvery: 1, run: spec });
    await writeFile(join(at, 'run.json'), text);
    const signed = await attestRun(spec, changes);
    const file = join(at, 'attestation.json');
    await writeFile(file, JSON.stringify(signedToJson(signed)));
    const journals = async () => {
      const names = await readdir(join(at, 'transactions')).catch(() => []);
      return names.sort().map((name) => join(at, 'transactions', name));
    };
    return { folder: at, file, spec, signed, id: adapterRecordId(signed.attestation), journals };
  };

  const stop = async () => {
    await chain.stop();
    await rm(folder, { recursive: true });
  };
  return { folder, rpcUrl, node, registry: getAddress(registry), fund, run, stop };
}

/** The chain of a test file. */
export type LocalRegistry = Awaited<ReturnType<typeof localRegistry>>;

/** A journal's content. */
export async function journal(file: string) {
  return JSON.parse(await readFile(file, 'utf8')) as {
    nonce: number;
    sender: Hex;
    attempts: { hash: Hex | null; raw: Hex | null; maxFeePerGas: string }[];
    outcome: { kind: string; hash: Hex | null } | null;
  };
}
