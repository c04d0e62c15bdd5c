import { sampleOrder } from './sample-order.js';

/**
 * The order in which an epoch goes through the captions image by image: the images are permuted as `sampleOrder` does it,
 * and the captions of each come one after another, as they are stored. A pure function of its arguments, pinned by a test
 * as the other is. A batch may begin or end within an image's captions; its next ones then open the next batch.
 *
 * @param firstCaption [images + 1] the captions of image i are those from `firstCaption[i]` to `firstCaption[i + 1]`;
 * an image may have none
 */
export function imageOrder({
  seed,
  epoch,
  firstCaption,
}: {
  seed: number;
  epoch: number;
  firstCaption: Uint32Array;
}): Uint32Array {
  const order = new Uint32Array(firstCaption.at(-1)!);
  let place = 0;
  for (const image of sampleOrder({ seed, epoch, count: firstCaption.length - 1 }))
    for (let caption = firstCaption[image]!; caption < firstCaption[image + 1]!; caption++)
      order[place++] = caption;
  return order;
}
