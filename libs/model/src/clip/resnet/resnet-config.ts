import type { ParameterShapes } from '../../parameters.js';

/** CLIP's modified ResNet, as OpenCLIP's configs describe it: RN50x4 has layers 4, 6, 10, 6 and width 80. */
export interface ResnetConfig {
  /** Blocks of each of the four stages. */
  layers: readonly [number, number, number, number];
  /** Channels after the stem. */
  width: number;
  /** Heads of the attention that pools. */
  heads: number;
  /** Pixels of a picture's side, a multiple of 32. */
  imageSize: number;
  /** Values of an embedding. */
  projection: number;
}

/** A block's place, and its stride: that of a stage is taken by its first block. */
export interface Block {
  name: string;
  stride: 1 | 2;
  /** Whether the way around the block has a convolution. */
  isWidening: boolean;
}

/** The blocks in the order of computation, named as in OpenAI's and OpenCLIP's weights. */
export function resnetBlocks({ layers }: ResnetConfig): Block[] {
  return layers.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => ({
      name: `visual.layer${stage + 1}.${index}`,
      stride: stage > 0 && index === 0 ? 2 : 1,
      isWidening: index === 0,
    })),
  );
}

/** A convolution without bias and the batch norm that follows it. */
export interface Convolution {
  name: string;
  norm: string;
  inputs: number;
  outputs: number;
  /** Side of the kernel. */
  size: 1 | 3;
}

/** Every convolution of the network. */
export function resnetConvolutions(config: ResnetConfig): Convolution[] {
  const { width } = config;
  const half = Math.floor(width / 2);
  const stem = [
    [3, half],
    [half, half],
    [half, width],
  ].map(([inputs, outputs], index) => named('visual', `${index + 1}`, inputs!, outputs!, 3));
  let inputs = width;
  const blocks = resnetBlocks(config).flatMap(({ name, isWidening }) => {
    const planes = width * 2 ** (Number(/layer(\d)/.exec(name)![1]) - 1);
    const convolutions = [
      named(name, '1', inputs, planes, 1),
      named(name, '2', planes, planes, 3),
      named(name, '3', planes, 4 * planes, 1),
    ];
    if (isWidening)
      convolutions.push({
        name: `${name}.downsample.0`,
        norm: `${name}.downsample.1`,
        inputs,
        outputs: 4 * planes,
        size: 1,
      });
    inputs = 4 * planes;
    return convolutions;
  });
  return [...stem, ...blocks];
}

function named(place: string, index: string, inputs: number, outputs: number, size: 1 | 3): Convolution {
  return { name: `${place}.conv${index}`, norm: `${place}.bn${index}`, inputs, outputs, size };
}

/** What a weight file holds of the network, in PyTorch's layouts. */
export function resnetShapes(config: ResnetConfig): ParameterShapes {
  const convolutions = resnetConvolutions(config).flatMap<[string, number[]]>(
    ({ name, norm, inputs, outputs, size }) => [
      [`${name}.weight`, [outputs, inputs, size, size]],
      ...['weight', 'bias', 'running_mean', 'running_var'].map((part): [string, number[]] => [
        `${norm}.${part}`,
        [outputs],
      ]),
    ],
  );
  return new Map([...convolutions, ...poolShapes(config)]);
}

/** The parameters of the attention that pools. */
export function poolShapes(config: ResnetConfig): ParameterShapes {
  const width = 32 * config.width;
  const cells = (config.imageSize / 32) ** 2;
  const maps = [
    ['k_proj', width],
    ['q_proj', width],
    ['v_proj', width],
    ['c_proj', config.projection],
  ] as const;
  return new Map<string, number[]>([
    ['visual.attnpool.positional_embedding', [cells + 1, width]],
    ...maps.flatMap<[string, number[]]>(([name, outputs]) => [
      [`visual.attnpool.${name}.weight`, [outputs, width]],
      [`visual.attnpool.${name}.bias`, [outputs]],
    ]),
  ]);
}
