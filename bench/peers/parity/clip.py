"""Random CLIPs at full size, saved as users find them, and the embeddings that PyTorch makes with them.

clip.py FOLDER transformers|open_clip NAME: writes FOLDER, and in FOLDER/expected.safetensors pixels [B, H, W, 3], image,
tokens [B, T] and text.
"""

import sys
from pathlib import Path

import open_clip
import torch
from open_clip.push_to_hf_hub import save_config_for_hf
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

from common import scatter, write_tensors

LARGE_VISION = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14)
LARGE_TEXT = dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
SIZES = {
    "ViT-B/32": (dict(patch_size=32), {}, 512),
    "ViT-B/16": (dict(patch_size=16), {}, 512),
    "ViT-B/16 with gelu": (dict(patch_size=16, hidden_act="gelu"), dict(hidden_act="gelu"), 512),
    "ViT-L/14": (LARGE_VISION, LARGE_TEXT, 768),
    "ViT-L/14@336": (dict(LARGE_VISION, image_size=336), LARGE_TEXT, 768),
}


def transformers_model(folder, name):
    vision, text, dim = SIZES[name]
    config = CLIPConfig(vision_config=vision, text_config=text, projection_dim=dim)
    model = scatter(CLIPModel(config), seed=2)
    model.save_pretrained(folder)
    side = config.vision_config.image_size
    CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side}).save_pretrained(folder)
    features = lambda output: getattr(output, "pooler_output", output)  # noqa: E731
    return (
        side,
        lambda pixels: features(model.get_image_features(pixel_values=pixels)),
        lambda tokens: features(model.get_text_features(input_ids=tokens)),
    )


def open_clip_model(folder, name):
    model = scatter(open_clip.create_model(name, pretrained=None), seed=2)
    for key, buffer in model.named_buffers():
        if key.endswith("running_mean"):
            buffer.copy_(0.1 * torch.randn_like(buffer))
        if key.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand_like(buffer))
    Path(folder).mkdir(parents=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, f"{folder}/open_clip_model.safetensors")
    save_config_for_hf(model, Path(folder) / "open_clip_config.json", open_clip.get_model_config(name))
    side = model.visual.image_size
    return side if isinstance(side, int) else side[0], model.encode_image, model.encode_text


def tokens_of(lengths, positions=77, start=49406, end=49407):
    """Rows of random words between a start and an end, padded with 0 as open_clip does it."""
    rows = torch.zeros(len(lengths), positions, dtype=torch.int64)
    for row, length in enumerate(lengths):
        rows[row, 0] = start
        rows[row, 1 : 1 + length] = torch.randint(300, 49000, (length,))
        rows[row, 1 + length] = end
    return rows


def main(folder, kind, name):
    torch.manual_seed(1)
    side, image, text = {"transformers": transformers_model, "open_clip": open_clip_model}[kind](folder, name)
    pixels, tokens = torch.randn(2, 3, side, side), tokens_of([5, 12, 75])
    write_tensors(
        f"{folder}/expected.safetensors",
        {"pixels": pixels.permute(0, 2, 3, 1), "image": image(pixels), "tokens": tokens.float(), "text": text(tokens)},
    )


main(*sys.argv[1:])
