"""Makes the checkpoints beside this file, by PyTorch and transformers, as rmokady/CLIP_prefix_caption saves its own.

    python make.py

Random weights from a fixed seed; expected.json holds what PyTorch computes from them.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

here = Path(__file__).parent
sys.path.insert(0, str(here / "../../assets"))
from captioner import Captioner, reference_state_dict  # noqa: E402

EMBEDDING_DIM = 6
TOKENS = [66, 71, 13, 256]


def build(mapper, **options):
    torch.manual_seed(7)
    gpt = GPT2LMHeadModel(
        GPT2Config(vocab_size=257, n_positions=32, n_embd=8, n_layer=1, n_head=2, initializer_range=0.2)
    )
    config = {"mapper": mapper, "embedding_dim": EMBEDDING_DIM, "normalize_prefix": False, **options}
    model = Captioner(config, gpt).eval()
    if mapper == "transformer":
        torch.nn.init.normal_(model.clip_project.prefix_const)
    return model


@torch.no_grad()
def loss(model):
    """Sum of cross-entropies of TOKENS behind the prefix of the embedding 0, 0.1, 0.2, …"""
    prefix = model.prefix(torch.arange(EMBEDDING_DIM).reshape(1, -1) / 10)
    tokens = torch.tensor([TOKENS])
    words = model.gpt.transformer.wte(tokens[:, :-1])
    logits = model.gpt(inputs_embeds=torch.cat((prefix, words), dim=1)).logits[0, prefix.shape[1] - 1 :]
    return torch.nn.functional.cross_entropy(logits, tokens[0], reduction="sum").item()


mlp = build("mlp", prefix_length=3)
transformer = build("transformer", prefix_length=4, clip_length=2, mapper_layers=2, mapper_heads=4)
torch.save(reference_state_dict(mlp, masks=True), here / "mlp.pt")
torch.save(reference_state_dict(mlp, masks=True), here / "mlp-legacy.pt", _use_new_zipfile_serialization=False)
parallel = {f"module.{name}": value for name, value in transformer.state_dict().items()}
torch.save(parallel, here / "transformer.pt")
mapper = {name: value for name, value in transformer.state_dict().items() if name.startswith("clip_project.")}
torch.save(mapper, here / "mapper-alone.pt")
torch.save({"clip_project.weight": torch.zeros(32, 6), "clip_project.bias": torch.zeros(32)}, here / "linear.pt")
torch.save({"model": {"fc.weight": torch.zeros(2, 2)}}, here / "other.pt")
torch.save({**mlp.state_dict(), "gpt.lm_head.weight": torch.zeros(257, 8)}, here / "own-head.pt")
expected = {"tokens": TOKENS, "mlp": loss(mlp), "transformer": loss(transformer)}
(here / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
