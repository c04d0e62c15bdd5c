"""PyTorch's results of the small models that captrain makes from seeds.

golden.py FOLDER KIND: reads the model and input.json, writes results.json: lists of numbers or texts by name.
"""

import sys

import torch
from transformers import CLIPModel, GPT2LMHeadModel, get_linear_schedule_with_warmup

from clipcap import ClipCaption, ReferenceAdamW, load_start, loss_of
from common import read_json, read_tensors, write_json
from decoding_reference import beam_search, greedy


def gpt2(folder, task):
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    return {"logits": model(torch.tensor(task["ids"])).logits.flatten().tolist()}


def captioner(folder, task):
    model = ClipCaption(task["options"], task["dim"], f"{folder}/gpt2").eval()
    load_start(model, read_tensors(f"{folder}/start.safetensors"))
    embeddings, captions = torch.tensor(task["embeddings"]), task["captions"]
    texts = written(model, embeddings, folder)
    torch.set_grad_enabled(True)
    trained = [model.get_parameter(name) for name in task["trained"]]
    loss_of(model, embeddings, captions).backward()
    norms = [parameter.grad.norm().item() for parameter in trained]
    optimizer = ReferenceAdamW(trained, lr=task["learningRate"])
    schedule = get_linear_schedule_with_warmup(optimizer, task["warmup"], task["steps"])
    losses = []
    for _ in range(task["steps"]):
        model.zero_grad()
        loss = loss_of(model, embeddings, captions)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return {"losses": losses, "gradientNorms": norms, **texts}


def clip(folder, task):
    model = CLIPModel.from_pretrained(folder).eval()
    return embeddings(
        model.get_image_features(pixel_values=pixels_of(task)).pooler_output,
        model.get_text_features(input_ids=torch.tensor(task["tokens"])).pooler_output,
    )


def open_clip(folder, task):
    from open_clip.model import CLIP, build_model_from_openai_state_dict

    tensors = read_tensors(f"{folder}/{task['weights']}")
    if task["weights"] == "open_clip_model.safetensors":
        model = CLIP(**read_json(f"{folder}/open_clip_config.json")["model_cfg"])
        # Without a temperature and counters, which captrain's own files of this kind lack.
        model.load_state_dict(tensors, strict=False)
    else:
        tensors |= {"logit_scale": torch.tensor(1.0)}
        model = build_model_from_openai_state_dict(tensors, cast_dtype=torch.float32).float()
    model.eval()
    padding = [[0] * (model.context_length - len(row)) for row in task["tokens"]]
    tokens = torch.tensor([row + zeros for row, zeros in zip(task["tokens"], padding)])
    return embeddings(model.encode_image(pixels_of(task)), model.encode_text(tokens))


def pixels_of(task):
    """Stored HWC, as TensorFlow takes them."""
    return torch.tensor(task["pixels"]).reshape(-1, task["side"], task["side"], 3).permute(0, 3, 1, 2)


def embeddings(image, text):
    return {"image": image.flatten().tolist(), "text": text.flatten().tolist()}


def written(model, embeddings, folder):
    letters = {id: token for token, id in read_json(f"{folder}/gpt2/vocab.json").items()}
    end = len(letters) - 1
    text = lambda ids: decode_bytes(letters[id] for id in ids if id != end)  # noqa: E731
    prefixes = [prefix[None] for prefix in model.prefix(embeddings)]
    return {
        "greedy": [text(greedy(model.gpt, prefix, {end}, 12)) for prefix in prefixes],
        "beam": [text(beam_search(model.gpt, prefix, {end}, 12, beams=4)[0]) for prefix in prefixes],
    }


def decode_bytes(letters):
    """Text of GPT-2's letters for single bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return bytes(byte_of[letter] for letter in letters).decode("utf-8", errors="replace")


def main(folder, kind):
    kinds = {"gpt2": gpt2, "captioner": captioner, "clip": clip, "open_clip": open_clip}
    results = kinds[kind](folder, read_json(f"{folder}/input.json"))
    write_json(f"{folder}/results.json", results)


main(*sys.argv[1:])
