/**
 * Parses YAML to plain JSON of bounded size, with the line of each key. An error has a message of our
 * own, since the parser's quotes the text, and the text may contain a secret.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as YamlModule from "yaml"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import type { Path } from "./keys.js"
import { describeKey } from "./values.js"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Stream from "effect/Stream"

/** The parser is imported with the first text: a program without YAML never loads its 75 modules. */
type Yaml = typeof YamlModule

/** Maximum size of a file. A typical configuration has a few thousand bytes. */
const maxBytes = 256_000

const tooLarge = `is larger than ${maxBytes / 1000} kB; is it the right file?`

/** Maximum number of values. Those behind an alias count at each use, which stops an alias bomb. */
const maxValues = 10_000
const maxDepth = 50

/**
 * Maximum length of a path as JSON. The line of each key is stored under its path, so without a limit
 * one long key that encloses 10 000 values takes gigabytes.
 */
const maxPathLength = 1000
const unreadable = "cannot be read as YAML"
const tooLong = `a key and the keys that enclose it are longer than ${maxPathLength} characters together`
const tooDeep = `is nested more than ${maxDepth} levels deep`

export interface Tree {
  readonly root: unknown
  /** The line of a key, the first being 1. */
  readonly lineOf: (path: Path) => number | undefined
}

interface YamlFault {
  readonly line: number | undefined
  readonly message: string
}

const messages: { readonly [Code in YamlModule.ErrorCode]?: string } = {
  BAD_ALIAS: "an alias (*) without an anchor (&) before it, or with a bad name",
  BAD_INDENT: "the indentation does not fit the lines above, or a bracket is not closed",
  BAD_SCALAR_START: "text that begins with a special character must be in quotes",
  BLOCK_AS_IMPLICIT_KEY: "two keys on one line; put the second on a line of its own",
  MISSING_CHAR: "something is missing here, such as a colon, a bracket or a closing quote",
  MULTILINE_IMPLICIT_KEY: "a line without a colon; a key is followed by a colon and a space",
  MULTIPLE_DOCS: "a second document begins; a file holds one",
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: "a tab; YAML is indented with spaces",
  TAG_RESOLVE_FAILED: "a tag (!) that is not known here",
}

/** Thrown to end the reading of a tree. */
class YamlFaultError extends Error {
  readonly fault: YamlFault
  constructor(fault: YamlFault) {
    super()
    this.fault = fault
  }
}

/**
 * Reads nodes in document order, so that an anchor comes before its aliases. An alias reads its node again; what
 * the anchors and aliases in that node mean is settled when it is first read.
 */
class TreeReader {
  readonly #yaml: Yaml
  readonly #lines: YamlModule.LineCounter
  readonly #keyLines = new Map<string, number>()
  readonly #anchors = new Map<string, YamlModule.Node>()
  readonly #targets = new Map<YamlModule.Alias, YamlModule.Node>()
  readonly #visited = new Set<YamlModule.Node>()
  #values = 0

  constructor(yaml: Yaml, lines: YamlModule.LineCounter) {
    this.#yaml = yaml
    this.#lines = lines
  }

  tree(contents: YamlModule.Node | null): Tree {
    const root = this.#value(contents, [])
    return { root, lineOf: (path) => this.#keyLines.get(pathId(path)) }
  }

  #value(node: unknown, path: Path): unknown {
    this.#values += 1
    if (this.#values > maxValues)
      throw new YamlFaultError(faultOfFile(`holds more than ${maxValues} values`))
    if (path.length > maxDepth) throw new YamlFaultError(faultOfFile(tooDeep))
    if (this.#yaml.isAlias(node)) return this.#value(this.#target(node), path)
    this.#registerAnchor(node)
    if (this.#yaml.isMap(node)) return this.#mapping(node, path)
    if (this.#yaml.isSeq(node)) {
      return node.items.map((item, n) => this.#value(item, [...path, String(n)]))
    }
    return this.#yaml.isScalar(node) ? this.#scalar(node) : null
  }

  #target(alias: YamlModule.Alias): YamlModule.Node {
    const found = this.#targets.get(alias) ?? this.#anchors.get(alias.source)
    if (found !== undefined) {
      this.#targets.set(alias, found)
      return found
    }
    throw this.#errorAt(alias, `${unreadable}: ${messages.BAD_ALIAS}`)
  }

  /** YAML 1.1, which a file may select, has more types than JSON. */
  #scalar(scalar: YamlModule.Scalar): unknown {
    const { value } = scalar
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value
    throw this.#errorAt(scalar, "a value must be a text, a number, true or false")
  }

  #registerAnchor(node: unknown): void {
    if (!this.#yaml.isNode(node) || this.#yaml.isAlias(node) || this.#visited.has(node)) return
    this.#visited.add(node)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
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
        const id = pathId(inner)
        if (id.length > maxPathLength) throw this.#errorAt(key, tooLong)
        const line = this.#lineOf(key)
        if (line !== undefined) this.#keyLines.set(id, line)
        return [name, this.#value(value, inner)]
      }),
    )
  }

  #name(key: unknown, seen: Set<string>): string {
    const name = keyName(this.#yaml, key)
    if (name === undefined)
      throw this.#errorAt(key, "a key must be text that is not empty, a number, true or false")
    if (seen.has(name))
      throw this.#errorAt(key, `${describeKey(name)} is there twice; keep one of them`)
    seen.add(name)
    return name
  }

  #errorAt(at: unknown, message: string): YamlFaultError {
    return new YamlFaultError({ line: this.#lineOf(at), message })
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

/** Parses a text, which errors refer to by `name`. */
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
  if (isTooLarge(text)) return fail(name, faultOfFile(tooLarge))
  try {
    const { end, isTooDeep } = scan(yaml, maxDepth, text)
    if (isTooDeep) return fail(name, faultOfFile(tooDeep))
    // Aliases may nest deeper; `TreeReader` checks that.
    return Either.right(parseDocument(yaml, text.slice(0, end)))
  } catch (error) {
    if (error instanceof YamlFaultError) return fail(name, error.fault)
    // The parser recurses as deeply as the text nests.
    return fail(name, faultOfFile(error instanceof RangeError ? tooDeep : unreadable))
  }
}

function isTooLarge(text: string): boolean {
  return text.length > maxBytes || new TextEncoder().encode(text).byteLength > maxBytes
}

function fail(
  name: string,
  { line, message }: YamlFault,
): Either.Either<never, DiscordConfigurationError> {
  const place = line === undefined ? name : `${name}:${line}`
  return Either.left(new DiscordConfigurationError({ mistakes: [{ key: "", place, message }] }))
}

function parseDocument(yaml: Yaml, text: string): Tree {
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser compares all pairs of keys; the reader uses a set.
    uniqueKeys: false,
  })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) throw new YamlFaultError(faultOf(problem, lines))
  return new TreeReader(yaml, lines).tree(document.contents)
}

function faultOf({ code, pos }: YamlModule.YAMLError, lines: YamlModule.LineCounter): YamlFault {
  const { line } = lines.linePos(pos[0])
  return { line, message: `${unreadable}: ${messages[code] ?? "it is not valid"}` }
}

function keyName(yaml: Yaml, key: unknown): string | undefined {
  if (!yaml.isScalar(key)) return undefined
  const { value } = key
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  return typeof value === "string" && value !== "" ? value : undefined
}

function faultOfFile(message: string): YamlFault {
  return { line: undefined, message }
}

function pathId(path: Path): string {
  return JSON.stringify(path)
}

/** The part of a text that is worth parsing into a document. */
interface Scan {
  /** The end of the first invalid token, or of the text. */
  readonly end: number
  readonly isTooDeep: boolean
}

/**
 * Tokenizes the text without building a tree, up to the first error or a value nested more than
 * `maxLevels` deep. Parsing into a document recurses once for each level, in invalid text as well, and V8
 * aborts the process when the remaining stack is too small to compile a regular expression. The document
 * parser also collects all errors, each with a stack trace, which took 2 s for 240 000 of them, although only the
 * first is reported.
 */
export function scan(
  { Lexer, Parser }: Pick<Yaml, "Lexer" | "Parser">,
  maxLevels: number,
  text: string,
): Scan {
  const parser = new Parser()
  for (const lexeme of new Lexer().lex(text)) {
    const end = endOfError(parser.next(lexeme))
    if (end !== undefined) return { end, isTooDeep: false }
    // The stack holds the document, the open collections and the value.
    if (parser.stack.length > maxLevels + 2) return { end: parser.offset, isTooDeep: true }
  }
  return { end: endOfError(parser.end()) ?? text.length, isTooDeep: false }
}

function endOfError(tokens: Iterable<YamlModule.CST.Token>): number | undefined {
  for (const token of tokens) {
    if (token.type === "error") return token.offset + token.source.length
  }
  return undefined
}

const fileTypes: Readonly<Record<FileSystem.File.Type, string>> = {
  File: "a file",
  Directory: "a directory",
  SymbolicLink: "a symbolic link",
  BlockDevice: "a device",
  CharacterDevice: "a device",
  FIFO: "a FIFO",
  Socket: "a socket",
  Unknown: "something else",
}

/**
 * Reads a configuration file. It opens only a regular file or a link to one, because opening a FIFO or
 * a device may block a thread forever, which no timeout can interrupt. It stops reading at the limit.
 */
export const readText = (
  path: string,
): Effect.Effect<string, DiscordConfigurationError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.mapError(files.stat(path), (error) => fileError(path, describeError(error))).pipe(
      Effect.filterOrFail(
        ({ type }) => type === "File",
        ({ type }) => fileError(path, `is not a regular file, but ${fileTypes[type]}`),
      ),
      Effect.zipRight(
        Effect.mapError(
          Stream.runCollect(files.stream(path, { bytesToRead: maxBytes + 1 })),
          (error) => fileError(path, describeError(error)),
        ),
      ),
      Effect.flatMap((chunks) => decodeText(path, Chunk.toReadonlyArray(chunks))),
    ),
  )

function decodeText(
  path: string,
  chunks: ReadonlyArray<Uint8Array>,
): Effect.Effect<string, DiscordConfigurationError> {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (size > maxBytes) {
    return Effect.fail(fileError(path, tooLarge))
  }
  const bytes = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => fileError(path, "is not text in UTF-8"),
  })
}

/** Describes a platform error, whose own message adds nothing but the operating system's wording. */
function describeError(error: PlatformError): string {
  if (error._tag === "BadArgument") return "cannot be read"
  if (error.reason === "NotFound") return "there is no such file"
  return error.reason === "PermissionDenied"
    ? "cannot be read: permission denied"
    : "cannot be read; is it a file?"
}

function fileError(path: string, message: string): DiscordConfigurationError {
  return new DiscordConfigurationError({ mistakes: [{ key: "", place: path, message }] })
}
