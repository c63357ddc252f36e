/**
 * The leaves of an error tree: today's form, where `_errors` holds the errors of its place, and that
 * of versions before 8, where a field holds a list of sentences or of the positions at fault. The
 * two are read alike, since servers mix them. Work and depth are bounded: the tree may be hostile.
 */
import * as Predicate from "effect/Predicate"
import { formatPath } from "./Issue.js"

/** See `DiscordApiBody.FieldError`. */
interface Leaf {
  readonly path: string
  readonly code?: string
  readonly message: string
}

type Path = ReadonlyArray<PropertyKey>

/** Deeper than any body Discord takes: a hostile tree must not overflow the stack. */
const maxDepth = 64

/** Holds errors of its own place. */
const own = "_errors"

/** In versions before 8: what is wrong with the body as a whole. */
const whole = "_misc"

/** The first `max` leaves, and how many more there are. */
export class ErrorTree {
  readonly leaves: Array<Leaf> = []
  omitted = 0
  readonly #max: number

  constructor(tree: unknown, max: number) {
    this.#max = max
    this.#node(tree, [], 0)
  }

  #node(node: unknown, path: Path, depth: number): void {
    if (depth > maxDepth) return
    if (Array.isArray(node)) this.#list(node, path, depth, true)
    else if (Predicate.isReadonlyRecord(node)) this.#record(node, path, depth)
  }

  #record(record: object, path: Path, depth: number): void {
    for (const [key, branch] of Object.entries(record)) {
      if (key === own) this.#own(branch, path, depth + 1)
      else this.#node(branch, key === whole ? path : [...path, step(key)], depth + 1)
    }
  }

  /** A list of errors; some servers nest trees in it, or put one in its place. */
  #own(branch: unknown, path: Path, depth: number): void {
    if (Array.isArray(branch)) this.#list(branch, path, depth, false)
    else if (isLeaf(branch)) this.#add(path, branch)
    else this.#node(branch, path, depth)
  }

  #list(items: ReadonlyArray<unknown>, path: Path, depth: number, isIndexed: boolean): void {
    for (const [index, item] of items.entries()) {
      if (typeof item === "string") this.#text(path, item)
      else if (isLeaf(item)) this.#add(path, item)
      else this.#node(item, isIndexed ? [...path, index] : path, depth + 1)
    }
  }

  /** `{"embeds": ["0"]}`: the position of what is at fault, and no reason. */
  #text(path: Path, text: string): void {
    if (isIndex(text)) this.#add([...path, Number(text)], {})
    else this.#add(path, { message: text })
  }

  #add(path: Path, { code, message }: Readonly<Record<string, unknown>>): void {
    if (this.leaves.length >= this.#max) {
      this.omitted += 1
      return
    }
    const isCode = typeof code === "string" || typeof code === "number"
    this.leaves.push({
      path: formatPath(path),
      ...(isCode ? { code: String(code) } : {}),
      message: typeof message === "string" ? message : "is refused",
    })
  }
}

/** An error itself, though it may say nothing. */
function isLeaf(node: unknown): node is Readonly<Record<string, unknown>> {
  if (!Predicate.isReadonlyRecord(node)) return false
  const { code, message } = node as { readonly code?: unknown; readonly message?: unknown }
  if (typeof message === "string" || typeof code === "string" || typeof code === "number")
    return true
  return Object.keys(node).length === 0
}

function isIndex(key: string): boolean {
  return /^(?:0|[1-9][0-9]{0,14})$/.test(key)
}

/** `"0"` is an index; `icon_url` is what the user wrote as `iconUrl`. */
function step(key: string): PropertyKey {
  if (isIndex(key)) return Number(key)
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
