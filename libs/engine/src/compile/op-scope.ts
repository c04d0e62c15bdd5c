let scope = '';

/**
 * Runs `fn`; the ops that are recorded in it are named `NAME/…`, as profiles show them. Of scopes within each other the
 * innermost counts. Costs nothing where nothing is recorded.
 */
export function opScope<Result>(name: string, fn: () => Result): Result {
  const outer = scope;
  scope = `${name}/`;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}

/** A node's name within the scope that is open now. */
export function inOpScope(name: string): string {
  return scope + name;
}
