/** `prefixLength` → `prefix_length`, as a type. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

export type SnakeKeys<Values> = {
  [Key in keyof Values as Key extends string ? SnakeCase<Key> : never]: Values[Key];
};

/** `prefixLength` → `prefix_length`: from names in TypeScript to those in files on the hub. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The same object under the hub's names. */
export function snakeKeys<Values extends object>(values: Values): SnakeKeys<Values> {
  const entries = Object.entries(values).map(([key, value]) => [snakeCase(key), value]);
  return Object.fromEntries(entries) as SnakeKeys<Values>;
}

/** The values of these keys, found under the hub's names. */
export function fromSnakeKeys<Shape extends object>(
  shape: Shape,
  values: Record<string, unknown>,
): { [Key in keyof Shape]: unknown } {
  const entries = Object.keys(shape).map((key) => [key, values[snakeCase(key)]]);
  return Object.fromEntries(entries) as { [Key in keyof Shape]: unknown };
}
