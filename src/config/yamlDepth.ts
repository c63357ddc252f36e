/**
 * How deep a YAML text nests, before it is composed: composing recurses once for each level, and V8
 * ends the process where no regular expression can be compiled on the stack that is left. Neither
 * the parser of the syntax tree nor this walk over it recurses.
 */
import type * as Yaml from "yaml"
import type { CST } from "yaml"

interface Place {
  readonly token: CST.Token | null | undefined
  readonly depth: number
}

/** Whether collections nest in more than `max` levels; in text that is not valid as well. */
export function isDeeperThan(
  { Parser }: Pick<typeof Yaml, "Parser">,
  max: number,
  text: string,
): boolean {
  for (const document of new Parser().parse(text)) {
    const open: Array<Place> = [{ token: document, depth: 0 }]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (place.depth > max) return true
      for (const token of within(place.token)) open.push({ token, depth: place.depth + 1 })
    }
  }
  return false
}

/** What a document, or an item of a collection, consists of. */
function within(token: Place["token"]): ReadonlyArray<Place["token"]> {
  if (token?.type === "document") return [token.value]
  return token !== null && token !== undefined && "items" in token
    ? token.items.flatMap(({ key, value }) => [key, value])
    : []
}
