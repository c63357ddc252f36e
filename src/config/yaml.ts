/**
 * Reads YAML as a tree that knows its lines. What comes out is plain JSON of bounded size, or one
 * sentence in our own words: the parser's quote the text, and the text may hold a secret.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as YamlModule from "yaml"
import type { Alias, ErrorCode, LineCounter, Node, Scalar, YAMLError } from "yaml"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import type { Path } from "./keys.js"
import { sketchKey } from "./sketch.js"
import { isDeeperThan } from "./yamlDepth.js"

/** The parser, loaded with the first text: a program without YAML never loads its 75 modules. */
type Yaml = typeof YamlModule

/** Bytes. A configuration has a few thousand. */
export const mostBytes = 256_000

/** What is said of more. */
export const tooLarge = `is larger than ${mostBytes / 1000} kB; is it the right file?`

/** Values, those behind an alias counted as often as it is used: a bomb of aliases goes off here. */
const mostValues = 10_000
const deepest = 50

/**
 * Characters of a value's keys together, written as JSON. Each value is stored under all of them, so
 * without a limit one long key around 10 000 values takes gigabytes.
 */
const maxPathLength = 1000
const unreadable = "cannot be read as YAML"
const tooLong = `a key and those around it are longer than ${maxPathLength} characters together`
const tooDeep = `is nested more than ${deepest} levels deep`

export interface Tree {
  readonly root: unknown
  /** The line of a key, the first being 1. */
  readonly lineOf: (path: Path) => number | undefined
}

interface Fault {
  readonly line: number | undefined
  readonly message: string
}

const sentences: { readonly [Code in ErrorCode]?: string } = {
  BAD_ALIAS: "an alias (*) without an anchor (&) before it, or with a bad name",
  BAD_INDENT: "the indentation does not fit the lines above, or a bracket is not closed",
  BAD_SCALAR_START: "a text that begins with a special sign must stand in quotes",
  BLOCK_AS_IMPLICIT_KEY: "two keys on one line; put the second on a line of its own",
  MISSING_CHAR: "something is missing here, such as a colon, a bracket or a closing quote",
  MULTILINE_IMPLICIT_KEY: "a line without a colon; a key is followed by a colon and a space",
  MULTIPLE_DOCS: "a second document begins; a file holds one",
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: "a tab; YAML is indented with spaces",
  TAG_RESOLVE_FAILED: "a tag (!) that is not known here",
}

/** How the walk over the tree ends early. */
class Refusal extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super()
    this.fault = fault
  }
}

/** Nodes in the order of the document, so that an alias finds the anchor before it. */
class Walk {
  readonly #yaml: Yaml
  readonly #lines: LineCounter
  readonly #keyLines = new Map<string, number>()
  readonly #anchors = new Map<string, Node>()
  #values = 0

  constructor(yaml: Yaml, lines: LineCounter) {
    this.#yaml = yaml
    this.#lines = lines
  }

  tree(contents: Node | null): Tree {
    const root = this.#value(contents, [])
    return { root, lineOf: (path) => this.#keyLines.get(idOf(path)) }
  }

  #value(node: unknown, path: Path): unknown {
    this.#values += 1
    if (this.#values > mostValues) throw new Refusal(whole(`holds more than ${mostValues} values`))
    if (path.length > deepest) throw new Refusal(whole(tooDeep))
    if (this.#yaml.isAlias(node)) return this.#value(this.#target(node), path)
    if (this.#yaml.isMap(node)) return this.#mapping(this.#anchored(node), path)
    if (this.#yaml.isSeq(node)) {
      return this.#anchored(node).items.map((item, n) => this.#value(item, [...path, String(n)]))
    }
    return this.#yaml.isScalar(node) ? this.#scalar(this.#anchored(node)) : null
  }

  #target(alias: Alias): Node {
    const found = this.#anchors.get(alias.source)
    if (found !== undefined) return found
    throw this.#refusal(alias, `${unreadable}: ${sentences.BAD_ALIAS}`)
  }

  /** YAML 1.1, which a file may ask for, has more kinds than JSON. */
  #scalar(scalar: Scalar): unknown {
    const { value } = scalar
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value
    throw this.#refusal(scalar, "a value must be a text, a number, true or false")
  }

  #anchored<N extends Node & { readonly anchor?: string | undefined }>(node: N): N {
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    return node
  }

  #mapping(
    map: { readonly items: ReadonlyArray<{ readonly key: unknown; readonly value: unknown }> },
    path: Path,
  ): unknown {
    const seen = new Set<string>()
    // Not by assignment: a key may be called `__proto__`.
    return Object.fromEntries(
      map.items.map(({ key, value }) => {
        const name = this.#name(key, seen)
        const inner = [...path, name]
        const id = idOf(inner)
        if (id.length > maxPathLength) throw this.#refusal(key, tooLong)
        this.#keyLines.set(id, this.#lineOf(key) ?? 0)
        return [name, this.#value(value, inner)]
      }),
    )
  }

  #name(key: unknown, seen: Set<string>): string {
    const name = nameOf(this.#yaml, key)
    if (name === undefined) throw this.#refusal(key, "a key must be a word")
    if (seen.has(name))
      throw this.#refusal(key, `${sketchKey(name)} is there twice; keep one of them`)
    seen.add(name)
    return name
  }

  #refusal(at: unknown, message: string): Refusal {
    return new Refusal({ line: this.#lineOf(at), message })
  }

  #lineOf(node: unknown): number | undefined {
    const range =
      this.#yaml.isScalar(node) ||
      this.#yaml.isMap(node) ||
      this.#yaml.isSeq(node) ||
      this.#yaml.isAlias(node)
        ? node.range
        : undefined
    return range ? this.#lines.linePos(range[0]).line : undefined
  }
}

/** `name` is what the text is called in errors. */
export const parse = (text: string, name: string): Effect.Effect<Tree, DiscordConfigurationError> =>
  Effect.flatMap(
    Effect.promise(() => import("yaml")),
    (yaml) => parseWith(yaml, text, name),
  )

function parseWith(
  yaml: Yaml,
  text: string,
  name: string,
): Either.Either<Tree, DiscordConfigurationError> {
  if (text.length > mostBytes) return refused(name, whole(tooLarge))
  try {
    // A document is a level of its own. What aliases repeat is for the walk to count.
    if (isDeeperThan(yaml, deepest + 1, text)) return refused(name, whole(tooDeep))
    return Either.right(read(yaml, text))
  } catch (error) {
    if (error instanceof Refusal) return refused(name, error.fault)
    // The parser goes as deep as the text does.
    return refused(name, whole(error instanceof RangeError ? tooDeep : unreadable))
  }
}

function refused(
  name: string,
  { line, message }: Fault,
): Either.Either<never, DiscordConfigurationError> {
  const place = line === undefined ? name : `${name}:${line}`
  return Either.left(new DiscordConfigurationError({ mistakes: [{ key: "", place, message }] }))
}

function read(yaml: Yaml, text: string): Tree {
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // It compares every key with every other: the walk below does it at once.
    uniqueKeys: false,
  })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) throw new Refusal(faultOf(problem, lines))
  return new Walk(yaml, lines).tree(document.contents)
}

function faultOf({ code, pos }: YAMLError, lines: LineCounter): Fault {
  const { line } = lines.linePos(pos[0])
  return { line, message: `${unreadable}: ${sentences[code] ?? "it is not valid"}` }
}

function nameOf(yaml: Yaml, key: unknown): string | undefined {
  if (!yaml.isScalar(key)) return undefined
  const { value } = key
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  return typeof value === "string" && value !== "" ? value : undefined
}

function whole(message: string): Fault {
  return { line: undefined, message }
}

function idOf(path: Path): string {
  return JSON.stringify(path)
}
