/** `./zklora operate keys …`: API keys. */
import { askAsOperator } from './access.ts';
import { table, tell, timeText, type Output } from './text.ts';

export async function createKey(name: string, output: Output): Promise<void> {
  const created = await askAsOperator(output.to, 'createKey', { body: { name } });
  tell(created, `${created.key}\nThis is the only time that the key ${created.id} is told.\n`, output);
}

export async function listKeys(output: Output): Promise<void> {
  const answer = await askAsOperator(output.to, 'keys', {});
  const rows = answer.keys.map((key) => [key.id, timeText(key.createdAt), timeText(key.revokedAt), key.name]);
  tell(answer, table([['id', 'created', 'revoked', 'name'], ...rows]), output);
}

export async function revokeKey(id: string, output: Output): Promise<void> {
  const key = await askAsOperator(output.to, 'revokeKey', { params: { id } });
  tell(key, `key ${key.id} is revoked since ${timeText(key.revokedAt)}; its webhooks are removed\n`, output);
}
