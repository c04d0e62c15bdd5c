"""Token ids by transformers' fast tokenizers, and texts made of ids.

tokens.py FOLDER GPT2_FOLDER CAPTIONS: CAPTIONS is a JSON list of texts; 10,000 random strings follow them. Writes CLIP's
vocabulary to FOLDER/clip, and to FOLDER/expected.json the texts and, by tokenizer folder, ids and decoded rows of ids.
"""

import gzip
import json
import random
import sys
from importlib.resources import files
from pathlib import Path

from transformers import CLIPTokenizerFast, GPT2TokenizerFast

from common import read_json, write_json
from random_strings import random_strings


def write_clip_vocabulary(folder):
    """vocab.json and merges.txt of the merges that open_clip brings along, as OpenAI published them."""
    merges = gzip.open(files("open_clip") / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    merges = merges[1 : 49152 - 256 - 2 + 1]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    words = letters + [f"{letter}</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    write_json(folder / "vocab.json", {word: id for id, word in enumerate(words)})
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))


def ids_and_texts(tokenizer, texts):
    decode = lambda row: tokenizer.decode(  # noqa: E731
        row, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    numbers = random.Random(7)
    rows = [[numbers.randrange(len(tokenizer)) for _ in range(numbers.randint(1, 12))] for _ in range(2000)]
    return {
        "ids": [tokenizer.encode(text, add_special_tokens=False) for text in texts],
        "rows": rows,
        "decoded": [decode(row) for row in rows],
    }


def main(folder, gpt2, captions):
    clip = Path(folder) / "clip"
    write_clip_vocabulary(clip)
    texts = read_json(captions) + random_strings(10_000, seed=1)
    tokenizers = {gpt2: GPT2TokenizerFast.from_pretrained(gpt2), str(clip): CLIPTokenizerFast.from_pretrained(clip)}
    results = {name: ids_and_texts(tokenizer, texts) for name, tokenizer in tokenizers.items()}
    Path(folder, "expected.json").write_text(json.dumps({"texts": texts, "tokenizers": results}))


main(*sys.argv[1:])
