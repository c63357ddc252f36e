/** A value that is built on first use: what an import builds, every cold start pays for. */
export function lazy<A>(build: () => A): () => A {
  let built: { readonly value: A } | undefined
  return () => (built ??= { value: build() }).value
}
