"""The reference's training step, as its train.py has it, in float32.

Every caption is padded to one length for the whole data set, every position has its logits, and GPT-2 computes the
gradients of its weights even where it is frozen.
"""

import torch
from torch.nn import functional
from transformers import get_linear_schedule_with_warmup

from clipcap import ReferenceAdamW


class ReferenceSide:
    def __init__(self, task):
        self.task = task
        self.model = task.model(attention="eager")
        self.optimizer = ReferenceAdamW(self.model.parameters(), lr=task.learningRate)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, task.warmup, task.totalSteps)
        self.about = {"mode": "eager"}

    def padded(self, captions):
        """Token ids [B, L] padded with 0 to the data set's length, and the mask of prefix and caption [B, P + L]."""
        length, prefix = self.task.paddedLength, self.model.prefix_length
        tokens = torch.zeros(len(captions), length, dtype=torch.int64)
        mask = torch.zeros(len(captions), prefix + length)
        for row, caption in enumerate(captions):
            caption = caption[:length]
            tokens[row, : len(caption)] = torch.tensor(caption)
            mask[row, : prefix + len(caption)] = 1
        return tokens, mask

    def step(self, embeddings, captions):
        tokens, mask = self.padded(captions)
        self.model.zero_grad()
        logits = self.model(tokens, embeddings, mask)[:, self.model.prefix_length - 1 : -1]
        loss = functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens.flatten(), ignore_index=0)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return loss.item()
