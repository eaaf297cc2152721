/** What came to the outside of the tests; `test/support/outbound.ts` is that outside. */
import type { Note } from '../support/outbound.ts';

export type { Note };

/** What came to NAME.hooks.example.com, the oldest first. */
export async function notesOf(name: string): Promise<Note[]> {
  return (await fetch(`https://notes.example.com/${name}`)).json<Note[]>();
}
