"""Captions that PyTorch writes with a captioner of random weights at full size.

decoding.py FOLDER VOCABULARY: VOCABULARY holds GPT-2's vocab.json and merges.txt. Writes FOLDER/gpt2 (the model and its
tokenizer), start.safetensors (the MLP mapper), and expected.json: embeddings and, for each way to decode, the texts.
"""

import sys
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from clipcap import MlpMapper
from common import scatter, write_json, write_tensors
from decoding_reference import beam_search, greedy

IMAGES, DIM, PREFIX, MAX_TOKENS = 5, 512, 10, 20
END_OF_TEXT, FULL_STOP = 50256, 13
ENDS = {"end-of-text": {END_OF_TEXT}, "full-stop": {END_OF_TEXT, FULL_STOP}}


def main(folder, vocabulary):
    folder = Path(folder)
    tokenizer = GPT2TokenizerFast.from_pretrained(vocabulary)
    torch.manual_seed(1)
    model = scatter(GPT2LMHeadModel(GPT2Config(initializer_range=0.08)), seed=2)
    # Random weights hardly ever write one given token of 50,257. With these rows some captions end and some do not, by
    # the end of text, and others by the full stop.
    words = model.transformer.wte.weight
    words[END_OF_TEXT] *= 2
    words[FULL_STOP] = 2 * words[100]
    mapper = MlpMapper(DIM, model.config.n_embd, PREFIX)
    model.save_pretrained(folder / "gpt2")
    tokenizer.save_pretrained(folder / "gpt2")
    write_tensors(folder / "start.safetensors", {f"clip_project.{k}": v for k, v in mapper.state_dict().items()})
    embeddings = torch.randn(IMAGES, DIM) * 3
    prefixes = [mapper(row[None]).view(1, PREFIX, -1) for row in embeddings]

    def text(tokens):
        kept = [token for token in tokens if token != END_OF_TEXT]
        return tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    cases = []
    for name, ends in ENDS.items():
        written = [text(greedy(model, prefix, ends, MAX_TOKENS)) for prefix in prefixes]
        cases.append({"captionEnd": name, "texts": written})
        for beams, temperature in (5, 1.0), (3, 0.7):
            print(f"{beams} beams, {name}", flush=True)
            written = [text(beam_search(model, prefix, ends, MAX_TOKENS, beams, temperature)[0]) for prefix in prefixes]
            cases.append({"captionEnd": name, "beams": beams, "temperature": temperature, "texts": written})
    write_json(
        folder / "expected.json",
        {"prefixLength": PREFIX, "maxTokens": MAX_TOKENS, "embeddings": embeddings.flatten().tolist(), "cases": cases},
    )


main(*sys.argv[1:])
