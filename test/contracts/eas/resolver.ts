import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import easArtifact from '@ethereum-attestation-service/eas-contracts/artifacts/contracts/EAS.sol/EAS.json' with { type: 'json' };
import schemasArtifact from '@ethereum-attestation-service/eas-contracts/artifacts/contracts/SchemaRegistry.sol/SchemaRegistry.json' with { type: 'json' };
import {
  encodeAbiParameters,
  encodePacked,
  keccak256,
  parseAbi,
  parseAbiParameters,
  parseEventLogs,
  zeroAddress,
  zeroHash,
  type Hex,
} from 'viem';

import ResolverModule from '../../../ignition/modules/AdapterSchemaResolver.ts';
import { adapterRecordId } from '../../../protocol/attestation.ts';
import { attest, attesterNamed, freshRegistry, recordOf, runOf } from '../run-attestations.ts';

const SCHEMA =
  'bytes32 runId,bytes32 runDigest,bytes32 adapterRoot,bytes32 baseRoot,bytes32 dataRoot,address owner,uint64 steps,bytes32 verifier';

const EAS_ABI = parseAbi([
  'struct Request { address recipient; uint64 expirationTime; bool revocable; bytes32 refUID; bytes data; uint256 value; }',
  'struct Single { bytes32 schema; Request data; }',
  'struct Multi { bytes32 schema; Request[] data; }',
  'struct Revocation { bytes32 uid; uint256 value; }',
  'struct RevocationRequest { bytes32 schema; Revocation data; }',
  'function attest(Single request) payable returns (bytes32)',
  'function multiAttest(Multi[] requests) payable returns (bytes32[])',
  'function revoke(RevocationRequest request) payable',
  'event Attested(address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schemaUID)',
]);
const SCHEMAS_ABI = parseAbi([
  'function register(string schema, address resolver, bool revocable) returns (bytes32)',
  'function getSchema(bytes32 uid) view returns ((bytes32 uid, address resolver, bool revocable, string schema))',
]);

/** A record as the schema encodes it. */
function encodeRecord(run: ReturnType<typeof runOf>): Hex {
  const { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier } = run;
  return encodeAbiParameters(parseAbiParameters(SCHEMA), [
    runId,
    runDigest,
    adapterRoot,
    baseRoot,
    dataRoot,
    owner,
    steps,
    verifier,
  ]);
}

/** EAS as its package deploys it, a registry with the run, and the resolver, with a set of two or without one. */
async function freshService(threshold: 0n | 1n | 2n) {
  const fresh = await freshRegistry();
  const { viem, ignition, owner, registry, attester, now, client, run, attestation } = fresh;
  const deploy = async (abi: unknown, bytecode: string, args: readonly Hex[]) => {
    const hash = await owner.deployContract({ abi: abi as [], bytecode: bytecode as Hex, args: args });
    return (await client.waitForTransactionReceipt({ hash })).contractAddress!;
  };
  const schemas = await deploy(schemasArtifact.abi, schemasArtifact.bytecode, []);
  const eas = await deploy(easArtifact.abi, easArtifact.bytecode, [schemas]);
  const set = await viem.deployContract('AttesterSet', [owner.account.address]);
  for (const { address } of [attester, attesterNamed('second')]) {
    await set.write.add([address, Number(now), Number(now) + 10_000]);
  }
  const attesters = threshold === 0n ? zeroAddress : set.address;
  const { resolver } = await ignition.deploy(ResolverModule, {
    parameters: {
      AdapterSchemaResolver: { eas, schemaRegistry: schemas, registry: registry.address, attesters, threshold },
    },
  });
  const schema = await resolver.read.schemaUid();
  const request = (of = run, changes: object = {}) => ({
    recipient: of.owner,
    expirationTime: 0n,
    revocable: true,
    refUID: zeroHash,
    data: encodeRecord(of),
    value: 0n,
    ...changes,
  });
  /** Attests by EAS and returns the new attestation's uid. */
  const send = async (data = request(), under = schema, sender = owner) => {
    const hash = await sender.writeContract({
      address: eas,
      abi: EAS_ABI,
      functionName: 'attest',
      args: [{ schema: under, data }],
    });
    const { logs } = await client.waitForTransactionReceipt({ hash });
    return parseEventLogs({ abi: EAS_ABI, logs, eventName: 'Attested' })[0].args.uid;
  };
  const anchor = () => registry.write.anchor([recordOf(run), attestation]);
  return { ...fresh, eas, schemas, set, resolver, schema, request, send, anchor };
}

describe('AdapterSchemaResolver', () => {
  test('its schema is registered with EAS: revocable, with the resolver, under the uid that it expects', async () => {
    const { resolver, schema, schemas, client } = await freshService(0n);
    assert.equal(await resolver.read.SCHEMA(), SCHEMA);
    const packed = encodePacked(['string', 'address', 'bool'], [SCHEMA, resolver.address, true]);
    assert.equal(schema, keccak256(packed));
    const registered = await client.readContract({
      address: schemas,
      abi: SCHEMAS_ABI,
      functionName: 'getSchema',
      args: [schema],
    });
    assert.equal(registered.resolver.toLowerCase(), resolver.address.toLowerCase());
    assert.deepEqual([registered.uid, registered.revocable, registered.schema], [schema, true, SCHEMA]);
    assert.equal(await resolver.read.isPayable(), false);
  });

  test('accepts the record of an anchored adapter, from anybody, and no other', async () => {
    const { resolver, run, send, anchor, stranger, schema, viem, request, now } = await freshService(0n);
    const id = adapterRecordId(run);
    await viem.assertions.revertWithCustomErrorWithArgs(send(), resolver, 'NotTrusted', [id]);
    await anchor();
    const uid = await send(request(), schema, stranger);
    assert.equal(await resolver.read.isCurrent([uid]), true);
    const forged = { ...run, dataRoot: zeroHash };
    const other = send(request(forged));
    await viem.assertions.revertWithCustomErrorWithArgs(other, resolver, 'NotTrusted', [adapterRecordId(forged)]);
    const unknown = runOf(run.owner, now, 'unknown');
    const none = send(request(unknown));
    await viem.assertions.revertWithCustomErrorWithArgs(none, resolver, 'NotTrusted', [adapterRecordId(unknown)]);
  });

  test('with a set, accepts only what counts for it', async () => {
    const { resolver, registry, set, run, send, anchor, viem } = await freshService(2n);
    await anchor();
    const id = adapterRecordId(run);
    await viem.assertions.revertWithCustomErrorWithArgs(send(), resolver, 'NotTrusted', [id]);
    await registry.write.attest([recordOf(run), await attest(attesterNamed('second'), run)]);
    const uid = await send();
    assert.equal(await resolver.read.isCurrent([uid]), true);
    await set.write.withdrawVerifier([run.verifier]);
    assert.equal(await resolver.read.isCurrent([uid]), false);
    await viem.assertions.revertWithCustomErrorWithArgs(send(), resolver, 'NotTrusted', [id]);
  });

  test('an attestation is current no more once the record or it itself has ended', async () => {
    const { resolver, registry, run, send, anchor, request, eas, owner, schema, now, networkHelpers } =
      await freshService(1n);
    await anchor();
    const [revoked, expiring, plain] = [
      await send(),
      await send(request(run, { expirationTime: now + 5_000n })),
      await send(),
    ];
    await owner.writeContract({
      address: eas,
      abi: EAS_ABI,
      functionName: 'revoke',
      args: [{ schema, data: { uid: revoked, value: 0n } }],
    });
    const current = () => Promise.all([revoked, expiring, plain].map((uid) => resolver.read.isCurrent([uid])));
    await networkHelpers.time.increaseTo(now + 4_999n);
    assert.deepEqual(await current(), [false, true, true]);
    await networkHelpers.time.increaseTo(now + 5_000n);
    assert.deepEqual(await current(), [false, false, true]);
    await registry.write.revoke([recordOf(run)]);
    assert.deepEqual(await current(), [false, false, false]);
    assert.equal(await resolver.read.isCurrent([zeroHash]), false);
  });

  test('refuses schemas that give the same words other names, and what is made under schemas without it', async () => {
    const { resolver, send, anchor, request, owner, schemas, client, viem } = await freshService(0n);
    await anchor();
    const register = async (schema: string, by: Hex, revocable: boolean) => {
      const call = { address: schemas, abi: SCHEMAS_ABI, functionName: 'register' } as const;
      const { result, request: sent } = await client.simulateContract({ ...call, args: [schema, by, revocable] });
      await owner.writeContract(sent);
      return result;
    };
    const swapped = SCHEMA.replace('baseRoot', 'x').replace('dataRoot', 'baseRoot').replace('x', 'dataRoot');
    for (const uid of [
      await register(swapped, resolver.address, true),
      await register(SCHEMA, resolver.address, false),
    ]) {
      const sent = send(request(undefined, { revocable: false }), uid);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, resolver, 'WrongSchema', [uid]);
    }
    const unresolved = await send(request(), await register(SCHEMA, zeroAddress, true));
    assert.equal(await resolver.read.isCurrent([unresolved]), false);
  });

  test('refuses other lengths, dirty words and recipients other than the owner', async () => {
    const { resolver, run, send, anchor, request, stranger, viem } = await freshService(0n);
    await anchor();
    const data = encodeRecord(run);
    for (const [changed, length] of [
      [`${data}00`, 257n],
      [data.slice(0, -2), 255n],
      ['0x', 0n],
    ] as [Hex, bigint][]) {
      const sent = send(request(run, { data: changed }));
      await viem.assertions.revertWithCustomErrorWithArgs(sent, resolver, 'WrongLength', [length]);
    }
    const owner = 2 + 64 * 5;
    const dirty = `${data.slice(0, owner)}01${data.slice(owner + 2)}`;
    await viem.assertions.revert(send(request(run, { data: dirty })));
    for (const recipient of [zeroAddress, stranger.account.address]) {
      const sent = send(request(run, { recipient }));
      await viem.assertions.revertWithCustomError(sent, resolver, 'WrongRecipient');
    }
  });

  test('one bad record refuses a whole batch; nobody but EAS may call it; it takes no ether', async () => {
    const { resolver, run, anchor, request, owner, eas, schema, now, viem } = await freshService(0n);
    await anchor();
    const many = (data: ReturnType<typeof request>[]) =>
      owner.writeContract({ address: eas, abi: EAS_ABI, functionName: 'multiAttest', args: [[{ schema, data }]] });
    await many([request(), request()]);
    const bad = many([request(), request(runOf(run.owner, now, 'unknown'))]);
    await viem.assertions.revertWithCustomError(bad, resolver, 'NotTrusted');
    const attestation = {
      ...{ uid: zeroHash, schema, time: 0n, expirationTime: 0n, revocationTime: 0n, refUID: zeroHash },
      ...{ recipient: run.owner, attester: run.owner, revocable: true, data: encodeRecord(run) },
    };
    await viem.assertions.revertWithCustomError(resolver.write.attest([attestation]), resolver, 'AccessDenied');
    const ether = owner.sendTransaction({ to: resolver.address, value: 1n });
    await viem.assertions.revertWithCustomError(ether, resolver, 'NotPayable');
  });

  test('refuses a configuration that would trust by mistake', async () => {
    const { resolver, registry, set, eas, viem } = await freshService(0n);
    for (const [at, attesters, threshold] of [
      [zeroAddress, zeroAddress, 0n],
      [registry.address, set.address, 0n],
      [registry.address, zeroAddress, 1n],
    ] as const) {
      const deployed = viem.deployContract('AdapterSchemaResolver', [eas, at, attesters, threshold]);
      await viem.assertions.revertWithCustomError(deployed, resolver, 'InvalidConfiguration');
    }
    assert.equal((await resolver.read.registry()).toLowerCase(), registry.address);
    assert.deepEqual([await resolver.read.attesters(), await resolver.read.threshold()], [zeroAddress, 0n]);
  });
});
