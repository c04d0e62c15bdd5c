import { sha256 } from '@captrain/runtime';
import { expect, it } from 'vitest';
import { imageOrder } from './image-order.js';

const digestOf = (order: Uint32Array) => sha256(Array.from(order).join(' '));

/** The first caption of each of `images` images with 0 to 3 captions, and their sum. */
function unequalImages(images: number): Uint32Array {
  const firstCaption = new Uint32Array(images + 1);
  for (let image = 0; image < images; image++)
    firstCaption[image + 1] = firstCaption[image]! + ((image * 7) % 4);
  return firstCaption;
}

it('is the same in every version: checkpoints of old runs resume where they were', () => {
  const firstCaption = Uint32Array.from([0, 2, 3, 3, 6]);
  expect([...imageOrder({ seed: 0, epoch: 0, firstCaption })]).toEqual([0, 1, 3, 4, 5, 2]);
  expect(digestOf(imageOrder({ seed: 1, epoch: 2, firstCaption: unequalImages(20_000) }))).toBe(
    'bb711d1e90e68865b5c621c0a5af2a1571d0e57f2df69594e471adab2d11cb5c',
  );
});

it('has every caption once, those of an image next to each other as they are stored', () => {
  const firstCaption = unequalImages(500);
  const order = [...imageOrder({ seed: 3, epoch: 1, firstCaption })];
  expect(order.toSorted((a, b) => a - b)).toEqual(order.map((_, i) => i));
  for (let image = 0; image < 500; image++) {
    const [first, end] = [firstCaption[image]!, firstCaption[image + 1]!];
    const place = order.indexOf(first);
    const own = Array.from({ length: end - first }, (_, i) => first + i);
    if (own.length > 0) expect(order.slice(place, place + own.length)).toEqual(own);
  }
});

it('goes through the images in another order in every epoch and for every seed', () => {
  const firstCaption = unequalImages(100);
  const digests = [0, 1, 2].flatMap((seed) =>
    [0, 1, 2].map((epoch) => digestOf(imageOrder({ seed, epoch, firstCaption }))),
  );
  expect(new Set(digests).size).toBe(9);
});

it('has nothing to say of images without captions', () => {
  expect([...imageOrder({ seed: 0, epoch: 0, firstCaption: new Uint32Array(4) })]).toEqual([]);
});
