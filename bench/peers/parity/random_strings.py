"""Strings that are hard on tokenizers: mixes of scripts, marks, emoji, controls, white space, digits, special tokens.

`random_strings(count, seed)` gives the same strings for the same seed. No surrogates.
"""

import random

SPECIALS = ["<|endoftext|>", "<|startoftext|>", "<|ENDOFTEXT|>", "<|StartOfText|>", "<|endoftext|", "<|", "|>", "[SEP]", "</w>", "##"]
WORDS = "a the man dog DOG is it's we'll I'M they'd 'tis don't YOU'RE can't've running Ünïcödé naïve straße İstanbul ΟΔΟΣ ΣΑΣ Ωμέγα ǅ ŉ ﬁne Æsop".split()
SPACES = list(" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff")
EMOJI = ["👨‍👩‍👧‍👦", "🏄🏽‍♀️", "🇩🇪", "🇯🇵🇫🇷", "❤️", "☺️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "😀", "🫨", "🪿", "👍🏿"]
MARKS = [0x300, 0x301, 0x308, 0x30A, 0x323, 0x327, 0x328, 0x338, 0x345, 0x34F, 0x5B0, 0x5C1, 0x64B, 0x651, 0x93C, 0x94D, 0x9BC, 0x9D7, 0xE38,
         0xF39, 0x1037, 0x1DC0, 0x1AB0, 0x1ABF, 0x20D0, 0x302A, 0x3099, 0x309A, 0x1D165, 0x1D16D, 0x8CA, 0x1E08F, 0xFE0F, 0x200D]
# One range of letters for each of many scripts, from ASCII to the newest.
SCRIPTS = [(0x21, 0x7E), (0xA1, 0xFF), (0x100, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58A), (0x591, 0x5F4),
           (0x600, 0x6FF), (0x700, 0x74F), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xE00, 0xE7F), (0xF00, 0xFDA), (0x1000, 0x109F),
           (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FF), (0x1780, 0x17F9), (0x1800, 0x18AA), (0x1C80, 0x1CBF),
           (0x1E00, 0x1FFE), (0x2000, 0x206F), (0x2070, 0x218B), (0x2190, 0x23FF), (0x2460, 0x24FF), (0x2C00, 0x2DFF), (0x3000, 0x30FF),
           (0x3130, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4C6), (0xA640, 0xA7FF), (0xAB30, 0xABF9), (0xAC00, 0xD7FB),
           (0xE000, 0xE0FF), (0xF900, 0xFAD9), (0xFB00, 0xFDFF), (0xFE00, 0xFEFF), (0xFF00, 0xFFFD), (0x10000, 0x103FF), (0x10400, 0x107FF),
           (0x10800, 0x10FFF), (0x11000, 0x11FFF), (0x12000, 0x12543), (0x16800, 0x16FFF), (0x17000, 0x18D1E), (0x1B000, 0x1B2FB),
           (0x1D000, 0x1D7FF), (0x1E000, 0x1E9FF), (0x1F000, 0x1FAFF), (0x20000, 0x2FA1D), (0x30000, 0x33479), (0xE0000, 0xE01EF), (0x100000, 0x10FFFD)]
DIGITS = [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1040, 0x17E0, 0xFF10, 0x104A0, 0x1D7CE, 0x1FBF0, 0x11DE0]


def _letters(rng):
    low, high = rng.choice(SCRIPTS)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6)))


def _marked(rng):
    return rng.choice("aeouAEκאकท가≯>|'1 ") + "".join(chr(rng.choice(MARKS)) for _ in range(rng.randint(1, 4)))


def _anything(rng):
    while True:
        code = rng.randint(1, 0x10FFFF)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


PARTS = [
    lambda rng: rng.choice(WORDS),
    lambda rng: rng.choice([" ", " ", "  ", ""]) + rng.choice(WORDS),
    _letters,
    _letters,
    _marked,
    lambda rng: "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 4))),
    lambda rng: rng.choice(EMOJI),
    lambda rng: "".join(chr(rng.choice(DIGITS) + rng.randint(0, 9)) for _ in range(rng.randint(1, 4))),
    lambda rng: chr(rng.randint(1, 31)),
    lambda rng: rng.choice(["½", "Ⅷ", "①", "²", "፼", "〇", "𝟗"]),
    lambda rng: rng.choice("'’`\"!?.,;:-_#@$%^&*()[]{}<>|/\\~=+") * rng.randint(1, 5),
    lambda rng: rng.choice(SPECIALS),
    lambda rng: rng.choice("aA .!1€漢😀\u0301") * rng.choice([7, 40, 300]) if rng.random() < 0.1 else "",
    _anything,
]


def random_strings(count, seed):
    rng = random.Random(seed)
    texts = [""]
    while len(texts) < count:
        texts.append("".join(rng.choice(PARTS)(rng) for _ in range(rng.randint(1, 10))))
    return texts
