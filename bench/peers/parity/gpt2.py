"""Random GPT-2s at full size, as transformers saves them, and the logits that transformers computes.

gpt2.py FOLDER SIZE: writes FOLDER (the model) and FOLDER/expected.safetensors (ids [B, T], logits [B, T, V]).
"""

import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from common import scatter, write_tensors

SIZES = {
    "small": dict(),
    "small-without-dropout": dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
    "medium": dict(n_embd=1024, n_layer=24, n_head=16),
    # Every setting of a config that changes the computation, away from its default.
    "unusual": dict(
        n_embd=384, n_layer=6, n_head=6, n_inner=1000, vocab_size=21128, n_positions=300, activation_function="gelu",
        layer_norm_epsilon=1e-3, scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False,
    ),
}  # fmt: skip


def main(folder, size):
    torch.manual_seed(1)
    config = GPT2Config(**SIZES[size])
    model = scatter(GPT2LMHeadModel(config), seed=2)
    model.save_pretrained(folder)
    ids = torch.randint(0, config.vocab_size, (4, 50))
    write_tensors(f"{folder}/expected.safetensors", {"ids": ids.float(), "logits": model(ids).logits})


main(*sys.argv[1:])
