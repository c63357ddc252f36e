/** More than anyone reads; thousands of wrong keys would make an error of megabytes. */
const maxKept = 100

/** The first 100 entries of an error's list, and the count of the others, if there are any. */
export function abridged<A>(all: ReadonlyArray<A>): {
  readonly kept: ReadonlyArray<A>
  readonly rest: { readonly omitted?: number }
} {
  const omitted = all.length - maxKept
  return omitted > 0 ? { kept: all.slice(0, maxKept), rest: { omitted } } : { kept: all, rest: {} }
}
