/** `./zklora operate verifiers …` and `attesters …`: what counts, and who attests. */
import type { Output as Answer } from '../../api/client.ts';
import { askAsOperator, askService } from './access.ts';
import { parseTime, table, tell, timeText, type Output } from './text.ts';

function verifiersText({ current, verifiers }: Answer<'verifiers'>): string {
  const rows = verifiers.map(({ digest, version, withdrawn }) => {
    const state = withdrawn === null ? 'counts' : `withdrawn ${timeText(withdrawn.at)}: ${withdrawn.reason}`;
    return [digest, version, `${state}${digest === current ? ' (this worker’s)' : ''}`];
  });
  return table([['digest', 'version', 'state'], ...rows]);
}

export async function listVerifiers(output: Output): Promise<void> {
  const answer = await askService(output.to, 'verifiers', {}, null);
  tell(answer, verifiersText(answer), output);
}

/** @param digest of the verifier version, 64 hexadecimal digits */
export async function withdrawVerifier(digest: string, reason: string, output: Output): Promise<void> {
  const answer = await askAsOperator(output.to, 'withdrawVerifier', { params: { digest }, body: { reason } });
  tell(answer, verifiersText(answer), output);
}

function attestersText(attesters: Answer<'verifiers'>['attesters']): string {
  const rows = attesters.map(({ address, validFrom, validUntil, signing }) => {
    return [address, timeText(validFrom), timeText(validUntil), signing ? 'yes' : 'no'];
  });
  return table([['address', 'from', 'until', 'signing'], ...rows]);
}

export async function listAttesters(output: Output): Promise<void> {
  const { attesters } = await askService(output.to, 'verifiers', {}, null);
  tell({ attesters }, attestersText(attesters), output);
}

/** @param window times as `parseTime` reads them; `until` absent: open */
export async function announceAttester(
  address: string,
  { from, until, ...output }: Output & { readonly from: string; readonly until?: string },
): Promise<void> {
  const validUntil = until === undefined ? null : parseTime(until);
  const body = { address, validFrom: parseTime(from), validUntil };
  const key = await askAsOperator(output.to, 'announceAttester', { body });
  tell(key, attestersText([key]), output);
}
