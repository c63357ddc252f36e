/**
 * Reads errors that other code made: a field, and even the prototype, may throw when it is read. A
 * part that cannot be read counts as absent.
 */

/** Returns the result, or `undefined` if reading throws. */
export function tryRead<A>(read: () => A): A | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

export function readField(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? tryRead((): unknown => Reflect.get(value, key))
    : undefined
}
