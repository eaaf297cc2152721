"""Does PyTorch's peft load an adapter directory unchanged? Optional: it needs torch, transformers and peft, which the
project does not install.

    node test/peft/write_adapter.ts /some/directory
    python3 test/peft/load_adapter.py examples/stories260k /some/directory

Checks that every lora_A and lora_B in the loaded model is integers.json's integer / 2^22, exactly; that the loaded
model computes W·x + (alpha / rank)·B·A·x; and that peft warns of no missing or unexpected weight. Exits with 1 if not.
"""

import json
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def main(base_directory: str, adapter_directory: str) -> int:
    base = AutoModelForCausalLM.from_pretrained(base_directory, dtype=torch.float32)
    with warnings.catch_warnings():
        # peft warns of "missing adapter keys" and of "unexpected keys"; libraries also warn of their own future.
        warnings.simplefilter("error", UserWarning)
        model = PeftModel.from_pretrained(base, adapter_directory)
    with open(f"{adapter_directory}/integers.json", encoding="utf-8") as file:
        expected = json.load(file)
    scaling = expected["alpha"] / expected["rank"]
    compared = 0
    for layer, targets in enumerate(expected["layers"]):
        block = model.base_model.model.model.layers[layer]
        for target, pair in targets.items():
            parent = block.mlp if hasattr(block.mlp, target) else block.self_attn
            module = getattr(parent, target)
            for side, loaded in (("A", module.lora_A), ("B", module.lora_B)):
                weight = loaded["default"].weight.detach()
                assert weight.dtype == torch.float32, (layer, target, side, weight.dtype)
                integers = torch.tensor(pair[side], dtype=torch.int64).reshape(weight.shape)
                if not torch.equal(weight.double() * 2**22, integers.double()):
                    print(f"layer {layer} {target} lora_{side} differs")
                    return 1
                compared += weight.numel()
            x = torch.randn(3, module.in_features)
            lora = x @ module.lora_A["default"].weight.T @ module.lora_B["default"].weight.T
            assert torch.allclose(module(x), module.base_layer(x) + scaling * lora, atol=1e-5), (layer, target)
    ids = torch.tensor([[1, 291, 410, 448, 414]])
    with torch.no_grad():
        changed = (model(ids).logits - model.get_base_model()(ids).logits).abs().max().item()
        with model.disable_adapter():
            plain = model(ids).logits
        effect = (model(ids).logits - plain).abs().max().item()
    assert changed == 0.0 and effect > 0.0, (changed, effect)
    print(f"peft loads the directory; {compared} weights equal the integers / 2^22; effect on the logits {effect:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
