/** Builds a value on first use, because every cold start pays for what an import builds. */
export function lazy<A>(build: () => A): () => A {
  let built: { readonly value: A } | undefined
  return () => (built ??= { value: build() }).value
}
