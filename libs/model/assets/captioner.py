"""Loads a captrain captioner folder in PyTorch, and writes it as a checkpoint of the ClipCap reference.

    python captioner.py reference.pt              # the state dict that the reference's ClipCaptionModel loads
    python captioner.py reference.pt --masks      # with the attention masks that old transformers want

    from captioner import load_captioner
    model, tokenizer = load_captioner("FOLDER")   # torch.nn.Module, transformers' tokenizer
    model.caption(tokenizer, embedding)           # text for a CLIP embedding of shape [dim]

The modules have the names of rmokady/CLIP_prefix_caption, so `model.state_dict()` is that repository's.
Needs torch, transformers and safetensors.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoTokenizer, GPT2LMHeadModel

HERE = Path(__file__).resolve().parent


class Mlp(nn.Module):
    """Embedding to prefix by two linear maps with tanh between."""

    def __init__(self, embedding_dim, prefix_length, width):
        super().__init__()
        outputs = prefix_length * width
        self.model = nn.Sequential(
            nn.Linear(embedding_dim, outputs // 2), nn.Tanh(), nn.Linear(outputs // 2, outputs)
        )

    def forward(self, embedding):
        return self.model(embedding)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.to_queries = nn.Linear(width, width, bias=False)
        self.to_keys_values = nn.Linear(width, 2 * width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, x):
        batch, positions, width = x.shape

        def split(part):
            return part.view(batch, positions, self.heads, width // self.heads).transpose(1, 2)

        keys, values = self.to_keys_values(x).chunk(2, dim=-1)
        seen = nn.functional.scaled_dot_product_attention(split(self.to_queries(x)), split(keys), split(values))
        return self.project(seen.transpose(1, 2).reshape(batch, positions, width))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, width, heads, layers):
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class TransformerMapper(nn.Module):
    """Embedding, spread over positions, and learned constants behind it; what stands at the constants is the prefix."""

    def __init__(self, embedding_dim, prefix_length, width, clip_length, layers, heads, frames):
        super().__init__()
        self.clip_length = clip_length
        self.transformer = Transformer(width, heads, layers)
        self.linear = nn.Linear(embedding_dim, clip_length * width)
        self.prefix_const = nn.Parameter(torch.empty(prefix_length, width))
        if frames > 1:  # not in the reference, which takes one embedding
            self.frame_positions = nn.Parameter(torch.empty(frames, width))

    def forward(self, embedding):
        """Embeddings [batch, dim], or sequences of them [batch, frames, dim]."""
        sequence = embedding.unsqueeze(1) if embedding.dim() == 2 else embedding
        batch, frames, _ = sequence.shape
        spread = self.linear(sequence).view(batch, frames, self.clip_length, -1)
        if hasattr(self, "frame_positions"):
            spread = spread + self.frame_positions[:frames, None]
        spread = spread.view(batch, frames * self.clip_length, -1)
        constants = self.prefix_const.expand(batch, *self.prefix_const.shape)
        return self.transformer(torch.cat((spread, constants), dim=1))[:, frames * self.clip_length :]


class Captioner(nn.Module):
    """A mapper and the GPT-2 that it writes prefixes for."""

    def __init__(self, config, gpt):
        super().__init__()
        self.config = config
        self.gpt = gpt
        width = gpt.config.n_embd
        sizes = (config["embedding_dim"], config["prefix_length"], width)
        if config["mapper"] == "mlp":
            self.clip_project = Mlp(*sizes)
        else:
            self.clip_project = TransformerMapper(
                *sizes,
                config["clip_length"],
                config["mapper_layers"],
                config["mapper_heads"],
                config.get("frames", 1),
            )

    def prefix(self, embedding):
        """The prefix [batch, prefix_length, width] of embeddings [batch, dim] or [batch, frames, dim]."""
        embedding = embedding.to(next(self.clip_project.parameters()).dtype)
        if self.config["normalize_prefix"]:
            embedding = embedding / embedding.norm(2, -1, keepdim=True)
        return self.clip_project(embedding).view(embedding.shape[0], self.config["prefix_length"], -1)

    @torch.no_grad()
    def caption(self, tokenizer, embedding, **options):
        """The caption of one embedding [dim], or of a sequence [frames, dim], word by word the most probable.

        Options are those of transformers' generate.
        """
        prefix = self.prefix(torch.as_tensor(embedding).unsqueeze(0))
        end = tokenizer.eos_token_id
        if self.config.get("caption_end") == "full-stop":
            end = [end, tokenizer.encode(".", add_special_tokens=False)[0]]
        tokens = self.gpt.generate(
            inputs_embeds=prefix,
            attention_mask=torch.ones(prefix.shape[:2], dtype=torch.long),
            **{
                "do_sample": False,
                "max_new_tokens": self.config["max_caption_tokens"],
                "eos_token_id": end,
                "pad_token_id": tokenizer.eos_token_id,
                **options,
            },
        )
        return tokenizer.decode(tokens[0], skip_special_tokens=True).strip()


def load_captioner(folder=HERE, dtype=torch.float32):
    """The captioner in a folder, in evaluation mode, and its tokenizer."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    language_model = folder / "language_model"
    gpt = GPT2LMHeadModel.from_pretrained(language_model, torch_dtype=dtype)
    model = Captioner(config, gpt)
    mapper = load_file(folder / "mapper.safetensors")
    prefix = "clip_project."
    model.clip_project.load_state_dict({name.removeprefix(prefix): value for name, value in mapper.items()})
    return model.to(dtype).eval(), AutoTokenizer.from_pretrained(language_model)


def reference_state_dict(model, masks=False):
    """The state dict of the reference's ClipCaptionModel: `gpt.` with GPT-2's names, `clip_project.`."""
    state = dict(model.state_dict())
    if masks:
        positions = model.gpt.config.n_positions
        seen = torch.ones(positions, positions, dtype=torch.uint8).tril().view(1, 1, positions, positions)
        for layer in range(model.gpt.config.n_layer):
            state[f"gpt.transformer.h.{layer}.attn.bias"] = seen
            state[f"gpt.transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    return state


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a captioner folder as a checkpoint of the ClipCap reference.")
    parser.add_argument("out", help="the .pt file to write")
    parser.add_argument("--folder", default=HERE, help="the captioner folder; the one this file lies in unless given")
    parser.add_argument("--masks", action="store_true", help="with attention masks, for old transformers")
    arguments = parser.parse_args()
    captioner, _ = load_captioner(arguments.folder)
    torch.save(reference_state_dict(captioner, arguments.masks), arguments.out)
