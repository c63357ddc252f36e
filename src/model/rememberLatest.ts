/** Sets the latest entry of a map, and removes the oldest above the maximum size. */
export function rememberLatest<A>(known: Map<string, A>, key: string, value: A, max: number): void {
  known.delete(key)
  known.set(key, value)
  if (known.size <= max) return
  for (const oldest of known.keys()) {
    known.delete(oldest)
    return
  }
}
