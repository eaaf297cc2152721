import type { Abi } from 'viem';

/** Kind, name and types of an entry, without names of parameters of views, which carry no meaning. */
function signature(entry: Abi[number]): unknown {
  const types = (list: unknown): unknown =>
    Array.isArray(list)
      ? (list as { type: string; indexed?: boolean; components?: unknown }[]).map(({ type, indexed, components }) => [
          type,
          indexed ?? false,
          types(components),
        ])
      : [];
  const { type, name, stateMutability, inputs, outputs } = entry as Record<string, unknown>;
  return [type, name, stateMutability, types(inputs), types(outputs)];
}

/** Every entry of an interface as a text, in order. */
export function interfaceText(abi: Abi): string[] {
  return abi.map((entry) => JSON.stringify(signature(entry))).sort();
}
