"""The same training as a skilled user of PyTorch writes it, in float32 or in bfloat16 autocast.

Captions are padded to the longest of the batch and read without their last token, attention is PyTorch's own (causal:
padding stands behind the captions, where nothing sees it), only positions that predict a caption token go through the
vocabulary, AdamW is fused, frozen weights have no gradients. Of eager mode and torch.compile the faster one is taken.
"""

import signal
import time

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import get_linear_schedule_with_warmup

# Batches that eager mode and the compiled loss are timed with, after one that warms up.
TRIALS = 3


def out_of_time(*_):
    raise TimeoutError("torch.compile took too long")


class TunedSide:
    def __init__(self, task, bfloat16, compile_seconds):
        """torch.compile may take so many seconds; with 0 it is not tried."""
        self.task, self.bfloat16 = task, bfloat16
        self.model = task.model(attention="sdpa")
        if task.frozen:
            self.model.gpt.requires_grad_(False)
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=task.learningRate, eps=1e-6, weight_decay=0.0, fused=True)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, task.warmup, task.totalSteps)
        self.loss, self.about = self.loss_of, {"mode": "eager"}
        if compile_seconds > 0:
            self.choose(compile_seconds)

    def inputs(self, embeddings, captions):
        """embeddings [B, dim], words read [B, L], and for each of N caption tokens its row in [B * (P + L)] and itself."""
        words = pad_sequence([torch.tensor(caption[:-1]) for caption in captions], batch_first=True)
        positions = self.model.prefix_length + words.shape[1]
        first = self.model.prefix_length - 1
        rows = torch.cat([torch.arange(len(each)) + row * positions + first for row, each in enumerate(captions)])
        return embeddings, words, rows, torch.cat([torch.tensor(caption) for caption in captions])

    def loss_of(self, embeddings, words, rows, targets):
        gpt = self.model.gpt
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
            inputs = torch.cat((self.model.prefix(embeddings), gpt.transformer.wte(words)), dim=1)
            hidden = gpt.transformer(inputs_embeds=inputs, use_cache=False).last_hidden_state
            logits = gpt.lm_head(hidden.flatten(0, 1)[rows])
        return functional.cross_entropy(logits.float(), targets)

    def gradient_seconds(self, loss_of, batch):
        started = time.perf_counter()
        loss_of(*self.inputs(*self.task.batch(batch))).backward()
        seconds = time.perf_counter() - started
        self.optimizer.zero_grad()
        return seconds

    def choose(self, compile_seconds):
        """Times the gradients of the first batches, without an update, in eager mode and compiled."""
        compiled = torch.compile(self.loss_of, dynamic=True)
        started = time.perf_counter()
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(compile_seconds)
        try:
            # Two lengths, so that what is compiled is made for any.
            for batch in range(2):
                self.gradient_seconds(compiled, batch)
        except Exception as error:  # without a C++ compiler, or too slow: the comparison goes on in eager mode
            self.about = {"mode": "eager", "compile": f"failed: {str(error).splitlines()[0]}"}
            self.optimizer.zero_grad()
            return
        finally:
            signal.alarm(0)
        compiling = time.perf_counter() - started
        seconds = {"eager": [], "compile": []}
        self.gradient_seconds(self.loss_of, 0)
        for batch in range(TRIALS):
            seconds["eager"].append(self.gradient_seconds(self.loss_of, batch))
            seconds["compile"].append(self.gradient_seconds(compiled, batch))
        best = {name: min(each) for name, each in seconds.items()}
        mode = min(best, key=best.get)
        self.loss = compiled if mode == "compile" else self.loss_of
        self.about = {"mode": mode, "gradientSeconds": best, "compilingSeconds": compiling}

    def step(self, embeddings, captions):
        loss = self.loss(*self.inputs(embeddings, captions))
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return loss.item()
