"""What the sides of the train benchmark compute from: weights, batches and settings that captrain wrote into a folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from clipcap import ClipCaption, load_start


class Frozen(ClipCaption):
    """The reference's captioner with a frozen GPT-2: what it calls its parameters are the mapper's alone.

    GPT-2's still ask for gradients, which nothing uses and `zero_grad` passes over, as in the reference.
    """

    def parameters(self, recurse=True):
        return self.clip_project.parameters()

    def train(self, mode=True):
        super().train(mode)
        self.gpt.eval()
        return self


class Task:
    """FOLDER/task.json, and beside it embeddings.safetensors [images, dim] and start.safetensors (the mapper)."""

    def __init__(self, folder):
        self.folder = folder
        vars(self).update(json.loads(Path(folder, "task.json").read_text()))
        self.all_embeddings = load_file(f"{folder}/embeddings.safetensors")["embeddings"].clone()

    def model(self, attention):
        """The captioner at its start, its GPT-2 with transformers' attention of this name."""
        model = (Frozen if self.frozen else ClipCaption)(self.options, self.dim, self.languageModel)
        model.gpt.set_attn_implementation(attention)
        return load_start(model, load_file(f"{self.folder}/start.safetensors")).train()

    def batch(self, step):
        """Embeddings [B, dim], one row for each caption, and the captions' token ids."""
        batch = self.batches[step % len(self.batches)]
        return self.all_embeddings[torch.tensor(batch["images"])], batch["captions"]
