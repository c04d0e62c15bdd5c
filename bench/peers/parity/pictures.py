"""Embeddings of picture files by transformers' own processors (Pillow's and torchvision's) and a random CLIP ViT-B/32.

pictures.py FOLDER PICTURE…: writes the CLIP to FOLDER/clip, pictures of every kind of file to FOLDER/kinds, and to
FOLDER/expected.json the embeddings of all, by processor and path.
"""

import sys
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps
from transformers import CLIPConfig, CLIPImageProcessor, CLIPImageProcessorPil, CLIPModel

from common import scatter, write_json


def write_kinds(picture, folder):
    """The same photograph in the kinds of files that people have."""
    folder.mkdir(parents=True)
    photo = Image.open(picture).convert("RGB")
    alpha = Image.linear_gradient("L").resize(photo.size)
    with_alpha = photo.copy()
    with_alpha.putalpha(alpha)
    other = ImageOps.mirror(ImageOps.invert(photo))
    exif = Image.Exif()
    photo.convert("L").save(folder / "grey.jpg")
    photo.convert("LA").save(folder / "grey-alpha.png")
    with_alpha.save(folder / "alpha.png")
    with_alpha.save(folder / "alpha.webp", lossless=True)
    photo.convert("CMYK").save(folder / "cmyk.jpg")
    photo.convert("1").save(folder / "black-white.png")
    photo.quantize(64).save(folder / "palette.png")
    photo.quantize(64).save(folder / "palette-transparent.png", transparency=3)
    photo.save(folder / "animated.gif", save_all=True, append_images=[other], duration=100)
    photo.save(folder / "animated.webp", save_all=True, append_images=[other], duration=100, lossless=True)
    photo.save(folder / "animated.png", save_all=True, append_images=[other], duration=100)
    photo.save(folder / "progressive.jpg", progressive=True, quality=90)
    photo.save(folder / "full-colour.jpg", subsampling=0, quality=95)
    photo.save(folder / "plain.tif")
    photo.resize((photo.width, 40)).save(folder / "wide.jpg")
    photo.resize((60, photo.height)).save(folder / "tall.png")
    photo.resize((30, 30)).save(folder / "small.png")
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        photo.save(folder / f"turned-{orientation}.jpg", exif=exif)
    # PIL clips 16 bits to white when it makes RGB of them; what is meant is the upper byte, as in the 8-bit file.
    grey = numpy.asarray(photo.convert("L"), dtype=numpy.uint16)
    Image.fromarray(grey * 257).save(folder / "sixteen-bit.png")
    return {str(file): file for file in sorted(folder.iterdir())}


def opened(file):
    """The picture as transformers' `load_image` gives it, upright."""
    if file.name == "sixteen-bit.png":
        return Image.fromarray((numpy.asarray(Image.open(file)) // 257).astype(numpy.uint8)).convert("RGB")
    return ImageOps.exif_transpose(Image.open(file))


def main(folder, *pictures):
    folder = Path(folder)
    torch.manual_seed(1)
    model = scatter(CLIPModel(CLIPConfig()), seed=2)
    model.save_pretrained(folder / "clip")
    processors = {"Pillow": CLIPImageProcessorPil(), "torchvision": CLIPImageProcessor()}
    processors["Pillow"].save_pretrained(folder / "clip")
    kinds = write_kinds(pictures[0], folder / "kinds")
    expected = {name: {} for name in processors}
    for path in [*pictures, *kinds]:
        for name, processor in processors.items():
            pixels = processor(images=opened(Path(path)), return_tensors="pt")["pixel_values"]
            features = model.get_image_features(pixel_values=pixels)
            expected[name][path] = getattr(features, "pooler_output", features)[0].tolist()
    write_json(folder / "expected.json", expected)


main(*sys.argv[1:])
