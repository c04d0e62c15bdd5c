"""Greedy decoding and beam search of ClipCap, written for PyTorch.

What they must agree on with the reference (github.com/rmokady/CLIP_prefix_caption, predict.py, generate_beam): beams are
ranked by the mean log-probability of their tokens; the token that ends a caption counts in sum and length; a beam that
has ended competes with its mean unchanged; the search ends when every beam has, or after `max_tokens` tokens. Differences:
several tokens may end a caption, and a cache of keys and values replaces the repeated passes (same numbers, faster).

Both take a GPT2LMHeadModel and one prefix of input embeddings, shape [1, P, D], and return token ids, the end included.
"""

from dataclasses import dataclass

import torch


def _next_logits(model, embeddings, cache):
    out = model(inputs_embeds=embeddings, past_key_values=cache, use_cache=True)
    return out.logits[:, -1, :].float(), out.past_key_values


@torch.no_grad()
def greedy(model, prefix, ends, max_tokens):
    """Word by word the most probable token."""
    tokens, cache, inputs = [], None, prefix
    while len(tokens) < max_tokens:
        logits, cache = _next_logits(model, inputs, cache)
        token = int(logits[0].argmax())
        tokens.append(token)
        if token in ends:
            break
        inputs = model.transformer.wte(torch.tensor([[token]]))
    return tokens


@dataclass
class Beam:
    tokens: list
    score: float
    ended: bool

    @property
    def mean(self):
        return self.score / len(self.tokens)


@torch.no_grad()
def beam_search(model, prefix, ends, max_tokens, beams=5, temperature=1.0):
    """All beams at the end, best first."""
    found = [Beam([], 0.0, False)]
    cache, inputs = None, prefix
    for _ in range(max_tokens):
        live = [beam for beam in found if not beam.ended]
        logits, cache = _next_logits(model, inputs, cache)
        scores, words = (logits / temperature).log_softmax(-1).topk(beams, -1)
        candidates = [(beam, None) for beam in found if beam.ended]
        for row, beam in enumerate(live):
            for score, word in zip(scores[row].tolist(), words[row].tolist()):
                candidates.append((Beam(beam.tokens + [word], beam.score + score, word in ends), row))
        candidates.sort(key=lambda candidate: -candidate[0].mean)
        chosen = candidates[:beams]
        found = [beam for beam, _ in chosen]
        going_on = [(beam, row) for beam, row in chosen if not beam.ended]
        if not going_on:
            break
        cache.reorder_cache(torch.tensor([row for _, row in going_on]))
        inputs = model.transformer.wte(torch.tensor([[beam.tokens[-1]] for beam, _ in going_on]))
    return [beam.tokens for beam in found]
