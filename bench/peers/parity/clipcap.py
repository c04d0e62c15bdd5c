"""The captioner and the training step of the reference (rmokady/CLIP_prefix_caption, train.py), in PyTorch.

Names of parameters are the reference's, so that its state dicts load. Dropout is that of the GPT-2's config.
"""

import torch
from torch import nn
from torch.nn import functional
from transformers import GPT2LMHeadModel


class MlpMapper(nn.Module):
    """embedding → tanh → prefix, half as wide in between."""

    def __init__(self, dim, width, prefix_length):
        super().__init__()
        out = width * prefix_length
        self.model = nn.Sequential(nn.Linear(dim, out // 2), nn.Tanh(), nn.Linear(out // 2, out))

    def forward(self, embeddings):
        return self.model(embeddings)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.to_queries = nn.Linear(width, width, bias=False)
        self.to_keys_values = nn.Linear(width, 2 * width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, x, hidden):
        batch, positions, width = x.shape
        split = lambda y: y.reshape(batch, positions, self.heads, -1).transpose(1, 2)  # noqa: E731
        queries = split(self.to_queries(x))
        keys, values = (split(part) for part in self.to_keys_values(x).chunk(2, dim=-1))
        scores = queries @ keys.transpose(-1, -2) / (width // self.heads) ** 0.5
        if hidden is not None:
            scores = scores.masked_fill(hidden[:, None, None], float("-inf"))
        mixed = scores.softmax(dim=-1) @ values
        return self.project(mixed.transpose(1, 2).reshape(batch, positions, width))


class Mlp(nn.Module):
    def __init__(self, width, ratio):
        super().__init__()
        self.fc1 = nn.Linear(width, int(width * ratio))
        self.fc2 = nn.Linear(int(width * ratio), width)

    def forward(self, x):
        return self.fc2(functional.relu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, ratio=2.0)

    def forward(self, x, hidden):
        x = x + self.attn(self.norm1(x), hidden)
        return x + self.mlp(self.norm2(x))


class TransformerMapper(nn.Module):
    """The embedding as several positions, learned constants behind them; what stands at the constants is the prefix.

    With frames > 1, captrain's extension: a sequence of embeddings, each as several positions with a learned place;
    those past a row's count of frames are hidden from attention.
    """

    def __init__(self, dim, width, prefix_length, clip_length, layers, heads, frames):
        super().__init__()
        self.clip_length = clip_length
        self.transformer = nn.Module()
        self.transformer.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.linear = nn.Linear(dim, clip_length * width)
        self.prefix_const = nn.Parameter(torch.randn(prefix_length, width))
        self.frame_positions = nn.Parameter(torch.zeros(frames, width)) if frames > 1 else None

    def forward(self, embeddings, counts=None):
        batch, frames = len(embeddings), embeddings.shape[1] if embeddings.ndim == 3 else 1
        clip = self.linear(embeddings).view(batch, frames, self.clip_length, -1)
        if self.frame_positions is not None:
            clip = clip + self.frame_positions[:frames, None]
        x = torch.cat((clip.flatten(1, 2), self.prefix_const.expand(batch, -1, -1)), dim=1)
        hidden = None
        if counts is not None:
            hidden = torch.zeros(x.shape[:2], dtype=torch.bool)
            past = torch.arange(frames) >= torch.tensor(counts)[:, None]
            hidden[:, : frames * self.clip_length] = past.repeat_interleave(self.clip_length, dim=1)
        for layer in self.transformer.layers:
            x = layer(x, hidden)
        return x[:, frames * self.clip_length :]


def make_mapper(options, dim, width):
    if options["mapper"] == "mlp":
        return MlpMapper(dim, width, options["prefixLength"])
    return TransformerMapper(
        dim, width, options["prefixLength"], options["clipLength"], options["mapperLayers"], options["mapperHeads"],
        options["frames"],
    )  # fmt: skip


class ClipCaption(nn.Module):
    def __init__(self, options, dim, language_model):
        super().__init__()
        self.prefix_length = options["prefixLength"]
        self.normalize = options["normalizePrefix"]
        self.gpt = GPT2LMHeadModel.from_pretrained(language_model)
        self.clip_project = make_mapper(options, dim, self.gpt.config.n_embd)

    def prefix(self, embeddings, **options):
        if self.normalize:
            embeddings = embeddings / embeddings.norm(2, -1, keepdim=True)
        return self.clip_project(embeddings, **options).view(len(embeddings), self.prefix_length, -1)

    def forward(self, tokens, embeddings, mask):
        words = self.gpt.transformer.wte(tokens)
        inputs = torch.cat((self.prefix(embeddings), words), dim=1)
        return self.gpt(inputs_embeds=inputs, attention_mask=mask).logits


class ReferenceAdamW(torch.optim.Optimizer):
    """transformers' own AdamW, which the reference used: epsilon beside the uncorrected root, decay afterwards.

    Source: transformers 4.x, optimization.py.
    """

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state.update(step=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
                state["step"] += 1
                state["mean"].mul_(beta1).add_(parameter.grad, alpha=1 - beta1)
                state["square"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
                correction = (1 - beta2 ** state["step"]) ** 0.5 / (1 - beta1 ** state["step"])
                denominator = state["square"].sqrt().add_(group["eps"])
                parameter.addcdiv_(state["mean"], denominator, value=-group["lr"] * correction)
                if group["weight_decay"] > 0:
                    parameter.add_(parameter, alpha=-group["lr"] * group["weight_decay"])


def padded(captions, prefix_length):
    """Token ids padded with 0, and the mask of prefix and caption tokens, as the reference's data set makes them."""
    longest = max(len(caption) for caption in captions)
    tokens = torch.zeros(len(captions), longest, dtype=torch.int64)
    mask = torch.zeros(len(captions), prefix_length + longest)
    for row, caption in enumerate(captions):
        tokens[row, : len(caption)] = torch.tensor(caption)
        mask[row, : prefix_length + len(caption)] = 1
    return tokens, mask


def loss_of(model, embeddings, captions):
    """The reference's loss: logits of all positions, mean over the caption's tokens, token 0 left out."""
    tokens, mask = padded(captions, model.prefix_length)
    logits = model(tokens, embeddings, mask)[:, model.prefix_length - 1 : -1]
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens.flatten(), ignore_index=0)


def load_start(model, tensors):
    """Loads captrain's trainable parameters; what they leave out must be GPT-2's, from its own folder."""
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected, unexpected
    assert all(name.startswith("gpt.") for name in missing), missing
    return model
