"""Makes golden.json, the numbers that the tests of this package compare with, from pycocoevalcap 1.2 (Java needed):

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pycocoevalcap==1.2 nltk==3.10.4
    /tmp/golden/bin/python testing/golden.py PATH/TO/flickr8k/captions.txt > testing/golden.json

Each image's first caption is scored against its other four, on all of Flickr8k and on the first 1, 10 and 100 images,
and, as nonsense, against those of the next image. NLTK's corpus_bleu, same tokens, is there as a second opinion.
"""
import contextlib, hashlib, io, json, sys
from nltk.translate.bleu_score import corpus_bleu
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

captions = {}
for line in open(sys.argv[1], encoding='utf8').read().split('\n')[1:]:
    if line:
        name, text = line.split(',', 1)
        if text.startswith('"'):
            text = text[1:-1].replace('""', '"')
        captions.setdefault(name, []).append({'caption': text})

with contextlib.redirect_stdout(io.StringIO()):
    tokens = PTBTokenizer().tokenize(captions)

digest = hashlib.sha256()
for name in captions:
    for caption, words in zip(captions[name], tokens[name]):
        if 'at&t' not in caption['caption'].lower():
            digest.update((words + '\n').encode())

def score(count, shift):
    names = list(captions)
    candidates = {n: [tokens[n][0]] for n in names[:count]}
    references = {n: tokens[names[(i + shift) % len(names)]][1:] for i, n in enumerate(names[:count])}
    with contextlib.redirect_stdout(io.StringIO()):
        bleu, _ = Bleu(4).compute_score(references, candidates, verbose=0)
    nltk4 = corpus_bleu([[r.split() for r in references[n]] for n in candidates], [candidates[n][0].split() for n in candidates])
    return {'images': count, 'shift': shift, 'bleu': bleu, 'nltk_bleu4': float(nltk4)}

cases = [score(count, shift) for count in (1, 10, 100, len(captions)) for shift in (0, 1)]
print(json.dumps({'tokens_sha256': digest.hexdigest(), 'cases': cases}, indent=1))
