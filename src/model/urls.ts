/** Where embeds and components hold URLs. */
import * as Predicate from "effect/Predicate"

/** A URL, and where it is. */
export interface PlacedUrl {
  readonly path: ReadonlyArray<PropertyKey>
  readonly url: string
}

/** Every `url` and `iconUrl` in a value, which must be a tree, in its order. */
export function urlsIn(
  value: unknown,
  path: ReadonlyArray<PropertyKey> = [],
): ReadonlyArray<PlacedUrl> {
  if (typeof value === "string") {
    const key = path.at(-1)
    return key === "url" || key === "iconUrl" ? [{ path, url: value }] : []
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => urlsIn(item, [...path, index]))
  }
  if (!Predicate.isRecord(value)) return []
  return Object.entries(value).flatMap(([key, part]) => urlsIn(part, [...path, key]))
}
