/** Makes elements of the page. Text is always text: nothing here reads HTML. */

type Attributes = Readonly<Record<string, string | boolean | number>>;
type Child = Node | string | null;

/** An element with attributes (true: without a value; false: absent) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== false) made.setAttribute(key, value === true ? '' : String(value));
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The element that the page must have. */
export function required<T extends Element>(parent: ParentNode, selector: string): T {
  const found = parent.querySelector<T>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}
