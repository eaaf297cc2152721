/** `./zklora operate webhooks …`: webhooks of the API key in ZKLORA_API_KEY. */
import type { Input } from '../../api/client.ts';
import { askAsHolder } from './access.ts';
import { table, tell, timeText, type Output } from './text.ts';

type EventType = Input<'createWebhook'>['body']['events'][number];

/** @param events which the service checks */
export async function addWebhook(url: string, events: readonly string[], output: Output): Promise<void> {
  const body = { url, events: [...events] as EventType[] };
  const created = await askAsHolder(output.to, 'createWebhook', { body });
  const text = `webhook ${created.id}\n${created.secret}\nThis is the only time that its secret is told.\n`;
  tell(created, text, output);
}

export async function listWebhooks(output: Output): Promise<void> {
  const answer = await askAsHolder(output.to, 'webhooks', {});
  const rows = answer.webhooks.map((hook) => [hook.id, timeText(hook.createdAt), hook.events.join(','), hook.url]);
  tell(answer, table([['id', 'created', 'events', 'url'], ...rows]), output);
}

export async function removeWebhook(id: string, output: Output): Promise<void> {
  const removed = await askAsHolder(output.to, 'removeWebhook', { params: { id } });
  tell(removed, `webhook ${removed.id} is removed since ${timeText(removed.removedAt)}\n`, output);
}
