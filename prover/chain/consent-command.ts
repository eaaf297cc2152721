/** `./zklora anchor RUN --consent FILE`: the owner consents; `./zklora anchor --for FILE`: whoever pays sends it. */
import { dirname } from 'node:path';

import { findAttestation } from './attestation-source.ts';
import type { ChainRequest, SourceRequest } from './command-options.ts';
import {
  consentCall,
  consentJson,
  consentTerms,
  readConsent,
  readTerms,
  signConsent,
  writeConsent,
} from './consent.ts';
import type { Consent, ConsentTerms } from './consent.ts';
import { RequestError } from './errors.ts';
import { rehearse } from './prepare.ts';
import { openRun } from './record-source.ts';
import { isoTime } from './records.ts';
import { openRegistry, type Registry } from './registry.ts';
import { registryGiven, signedGiven, signerGiven } from './requests.ts';
import { registryOfFile, runCall } from './run-call.ts';
import { replaceFile } from './whole-file.ts';

export interface ConsentRequest extends ChainRequest, SourceRequest {
  /** Where to write the signed consent. */
  readonly consent: string;
  /** For how long it holds. */
  readonly hours: number;
}

/**
 * Writes the owner's consent: signed here; or, with --unsigned, its EIP-712 message for a wallet, and with --signed as
 * well, the consent with the wallet's signature over that message. Sends nothing.
 * @throws RegistryRefusedError where the registry would not take it, for instance for another's signature
 */
export async function consentCommand(folder: string, request: ConsentRequest): Promise<void> {
  const { consent: file, unsigned, signed: signature, hours, json } = request;
  const { spec } = await openRun(folder);
  const registry = await openRegistry(await registryGiven(request));
  const signed = await findAttestation(request, spec);
  if (unsigned !== undefined && signature === undefined) {
    const terms = await consentTerms(registry, signed, hours);
    await replaceFile(unsigned, consentJson(terms));
    const next = `Sign it as ${signed.attestation.owner}, then run the same command with --signed SIGNATURE.`;
    print(terms, unsigned, json, next);
    return;
  }
  const consent = await signedConsent(registry, signed, request);
  // The registry itself says whether it is the owner's and can be used.
  await rehearse(registry, consentCall(consent).data, signed.attestation.owner);
  await writeConsent(file, consent);
  print(
    consent,
    file,
    json,
    `Whoever pays sends it: ./zklora anchor --for ${file} --rpc URL --registry ${registry.registry}`,
  );
}

async function signedConsent(
  registry: Registry,
  signed: ConsentTerms['signed'],
  request: ConsentRequest,
): Promise<Consent> {
  const { unsigned, signed: signature, hours } = request;
  if (signature !== undefined) {
    if (unsigned === undefined)
      throw new RequestError('what was signed is not named', 'Give the file with the message by --unsigned as well.');
    const { chainId, registry: address } = registry;
    const terms = await readTerms(unsigned, { chainId, registry: address, signed });
    return { ...terms, signature: await signedGiven(signature) };
  }
  const signer = (await signerGiven(request))();
  if ('signed' in signer) throw new RequestError('a signature and a signer are named', 'Give one of them.');
  return signConsent(await consentTerms(registry, signed, hours), signer, registry.rpcUrl);
}

function print(terms: ConsentTerms, file: string, json: boolean, next: string): void {
  const { chainId, registry, nonce, deadline, signed } = terms;
  const { owner, runId } = signed.attestation;
  if (json) {
    const numbers = { nonce: String(nonce), deadline: String(deadline) };
    process.stdout.write(
      `${JSON.stringify({ file, chainId, registry, owner, runId, attester: signed.attester, ...numbers })}\n`,
    );
    return;
  }
  process.stdout.write(
    `consent of ${owner} to anchor run ${runId}, attested by ${signed.attester}\n` +
      `registry ${registry} on chain ${chainId}, nonce ${nonce}, until ${isoTime(deadline)}\n` +
      `written to ${file}; nothing is sent. ${next}\n`,
  );
}

/** Sends a consented record. @throws ChainFileError, RequestError, and as `runCall` */
export async function relayCommand(file: string, request: ChainRequest): Promise<void> {
  const consent = await readConsent(file);
  const { registry, chainId, signed } = consent;
  const at = await registryGiven({ ...request, registry: request.registry ?? registry });
  registryOfFile(file, consent, at);
  const subject = { action: 'anchorFor', about: signed.attestation.runId, folder: dirname(file) } as const;
  await runCall(request, { ...at, chainId }, subject, async () => consentCall(consent));
}
