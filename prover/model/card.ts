/** The model card (README.md) of an adapter directory. */
import type { Adapter } from '../../protocol/program/adapter.ts';

/**
 * A card with the front matter that the Hugging Face hub reads.
 *
 * @param adapter whose rank, alpha and targets it tells
 * @param baseName the base model's name, as in adapter_config.json
 */
export function modelCard(adapter: Adapter, baseName: string): string {
  return `---
base_model: ${JSON.stringify(baseName)}
library_name: peft
tags:
  - lora
  - zklora
---

# LoRA adapter for ${baseName}

Rank ${adapter.rank}, alpha ${adapter.alpha}, on ${adapter.targets.join(', ')}.

This adapter was trained in integers by zkLoRA. Each weight times 2^22 is an integer, and these integers are what the
run's proofs speak about. Check the directory with \`./zklora check\`; load it with PEFT as any other adapter. A copy in
another precision, or merged into its base, no longer matches the commitment.
`;
}
