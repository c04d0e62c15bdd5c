"""Writes golden-ids.json: what Python's transformers makes of texts that are hard on tokenizers.

    pip install transformers==5.23.0
    python golden_ids.py GPT2_FOLDER > golden-ids.json

GPT2_FOLDER holds GPT-2's vocab.json and merges.txt. CLIP's kind is asked with its 512 bytes and no merges, so that ids
show its words letter by letter; BERT's with the small vocabulary that is written beside the ids.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

from transformers import BertTokenizerFast, CLIPTokenizerFast, GPT2TokenizerFast

BY_HAND = [
    "", " ", "\n", "  two  spaces\n\ttab ", "it's we'll I'M 'tis can't've", "'S 'T 'RE", "naïve café — 東京", "2024 1,000.5 ½ Ⅷ ② ١٢٣ १२३ ３",
    "a<|endoftext|>b", "<|startoftext|> x <|endoftext|>", "<|ENDOFTEXT|>", "a <|EndOfText|> b", "<|endoftext|>\u0338", "<|x|> [SEP] ## </w>",
    "ΟΔΟΣ ΣΑΣ Σ", "İstanbul ıI ǅ ŉ ẞß ﬁ", "e\u0301 é a\u0323\u0302 \u1ea5", "\u0928\u093c \u0929", "\u1100\u1161\u11a8 각", "a\u0345\u0301 a\u08ca\u0301 \U00011382\U000113c9",
    "👨‍👩‍👧‍👦 🏄🏽‍♀️ 🇩🇪 1️⃣", "x\u200by\u200dz\ufeffw\u2060", "\x1ca\x1db\x1ec\x1f", "a\x85b\xa0c\u3000d\u2028e\u180ef", "\ufeffBOM", "tab\tnew\r\nline\x00\x07",
    "\u088f\U00016ea0\U0002b73a letters", "\U00011de0\U00016ff4 numbers", "\U00020bb7野 家 𠮷a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!!!!!!?????......", "...a 's's's", "﷽", "\U0010fffd\ue000\ufffd",
]
SCRIPTS = [(0x21, 0x7E), (0xA1, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5B0, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F),
           (0x1100, 0x11FF), (0x1E00, 0x206F), (0x2190, 0x24FF), (0x3000, 0x33FF), (0x4E00, 0x4EFF), (0xA640, 0xA7FF), (0xAC00, 0xACFF), (0xF900, 0xFDFF),
           (0xFE00, 0xFFFD), (0x10400, 0x105FF), (0x11000, 0x115FF), (0x1D000, 0x1D4FF), (0x1E000, 0x1E9FF), (0x1F300, 0x1F6FF), (0x20000, 0x200FF)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz0123456789.,!?'#<>|[]-", "一", "東", "京", "野", "家", "𠮷", "ß",
              "##s", "##a", "##b", "##n", "##t", "cafe", "na", "##ive", "two", "spaces", "tab", "it", "we", "ll", "line", "new", "letters", "numbers", "istanbul", "σ", "##ς"]


def texts():
    rng = random.Random(3)
    made = list(BY_HAND)
    while len(made) < 120:
        parts = []
        for _ in range(rng.randint(1, 4)):
            low, high = rng.choice(SCRIPTS)
            parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 3))))
        made.append(rng.choice(["", " ", "\u0301", "a "]).join(parts))
    return made


def ask(tokenizer, asked):
    rows = [tokenizer.encode(text, add_special_tokens=False) for text in asked]
    decode = lambda row: tokenizer.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    # Only what is not the text itself is written down.
    decoded = {i: decode(row) for i, row in enumerate(rows) if decode(row) != asked[i]}
    return {"ids": rows, "decoded": decoded}


def main(gpt2_folder):
    gpt2 = GPT2TokenizerFast.from_pretrained(gpt2_folder)
    asked = texts()
    with tempfile.TemporaryDirectory() as folder:
        letters = [token for token, id in sorted(gpt2.get_vocab().items(), key=lambda item: item[1]) if id < 256]
        tokens = letters + [letter + "</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
        Path(folder, "vocab.json").write_text(json.dumps({token: id for id, token in enumerate(tokens)}))
        Path(folder, "merges.txt").write_text("#version: 0.2\n")
        clip = ask(CLIPTokenizerFast.from_pretrained(folder), asked)
        Path(folder, "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
        bert = {"vocabulary": VOCABULARY, **ask(BertTokenizerFast.from_pretrained(folder), asked)}
    print(json.dumps({"texts": asked, "gpt2": ask(gpt2, asked), "clip": clip, "bert": bert}, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
