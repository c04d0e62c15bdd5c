/** The activations that Hugging Face configs name (`ACT2FN` in transformers' activations.py), as far as captrain has them. */
export const ACTIVATION_NAMES = [
  'relu',
  'tanh',
  'sigmoid',
  'gelu',
  'gelu_python',
  'gelu_new',
  'gelu_fast',
  'gelu_accurate',
  'gelu_pytorch_tanh',
  'gelu_python_tanh',
  'quick_gelu',
  'silu',
  'swish',
] as const;
export type ActivationName = (typeof ACTIVATION_NAMES)[number];
