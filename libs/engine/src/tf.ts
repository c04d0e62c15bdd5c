import type * as tfjs from '@tensorflow/tfjs-node-gpu';

/**
 * The whole namespace of tfjs, over TensorFlow. A live binding: it has its value once `startEngine` has resolved, so
 * use it in functions that run after that, never while a module is being loaded.
 */
export let tf: typeof tfjs = new Proxy({} as typeof tfjs, {
  get: (_, name) => {
    throw new Error(`tf.${String(name)} was used before startEngine() had resolved`);
  },
});

/** The types of tfjs, so that `tf.Tensor2D` reads the same as a type. */
// eslint-disable-next-line @typescript-eslint/no-namespace -- merges with the value above; it exists in types only
export declare namespace tf {
  type Rank = tfjs.Rank;
  type ShapeMap = tfjs.ShapeMap;
  type DataType = tfjs.DataType;
  type DataTypeMap = tfjs.DataTypeMap;
  type TensorLike = tfjs.TensorLike;
  type NamedTensorMap = tfjs.NamedTensorMap;
  type TensorContainer = tfjs.TensorContainer;
  type TypedArray = tfjs.TypedArray;
  type Tensor<R extends tfjs.Rank = tfjs.Rank> = tfjs.Tensor<R>;
  type Scalar = tfjs.Scalar;
  type Tensor1D = tfjs.Tensor1D;
  type Tensor2D = tfjs.Tensor2D;
  type Tensor3D = tfjs.Tensor3D;
  type Tensor4D = tfjs.Tensor4D;
  type Tensor5D = tfjs.Tensor5D;
  type TensorBuffer<R extends tfjs.Rank, D extends tfjs.DataType = 'float32'> = tfjs.TensorBuffer<R, D>;
  type Variable<R extends tfjs.Rank = tfjs.Rank> = tfjs.Variable<R>;
  type GradSaveFunc = tfjs.GradSaveFunc;
  type Optimizer = tfjs.Optimizer;
}

/** Only `startEngine` calls this. */
export function setTf(loaded: typeof tfjs): void {
  tf = loaded;
}
