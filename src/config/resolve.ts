/** What YAML and environment say together: a configuration, or every mistake in them. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { abridged } from "../error/abridged.js"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import type { Mistake } from "../error/ConfigurationError.js"
import { lazy } from "../model/lazy.js"
import { nearest } from "../model/nearest.js"
import { isLoopbackHost } from "../rest/host.js"
import { type Environment, readEnvironment, type Setting } from "./environment.js"
import { isRecord, keys, type Path, type Scalar, sections } from "./keys.js"
import { type Settings, settings as schema } from "./settings.js"
import { sketch, sketchKey } from "./sketch.js"
import type { Tree } from "./yaml.js"

export interface Source {
  /** For errors: the path of the file. */
  readonly name: string
  readonly tree: Tree
}

const baseUrlPath: Path = ["client", "base_url"]

const decoder = lazy(() =>
  Schema.decodeUnknownEither(schema(), { errors: "all", onExcessProperty: "error" }),
)

/** The environment overrides the file. */
export const resolve = (
  source: Source | undefined,
): Effect.Effect<Settings, DiscordConfigurationError> =>
  Effect.flatMap(readEnvironment, (environment) => resolved(source, environment))

function resolved(
  source: Source | undefined,
  { settings, mistakes }: Environment,
): Either.Either<Settings, DiscordConfigurationError> {
  const all = settings.reduce<unknown>(
    (value, { key, value: own }) => overridden(value, key.path, own),
    source?.tree.root ?? {},
  )
  const decoded = Either.mapLeft(decoder()(all), (error) =>
    inOrder(issuesOf(error), source).map(({ path, message }) => ({
      key: path.map(sketchKey).join("."),
      place: placeOf(path, source, settings),
      message: sentenceOf(path, message, all),
    })),
  )
  const found = Either.match(decoded, {
    onLeft: Function.identity,
    onRight: ({ client }) => exposed(client, placeOf(baseUrlPath, source, settings)),
  })
  if (Either.isRight(decoded) && found.length === 0 && mistakes.length === 0) {
    return Either.right(decoded.right)
  }
  const { kept, rest } = abridged([...found, ...mistakes])
  return Either.left(new DiscordConfigurationError({ mistakes: kept, ...rest }))
}

/** The URL of each request holds the token of its webhook. */
function exposed(
  { allowHttp, baseUrl }: Settings["client"],
  place: string,
): ReadonlyArray<Mistake> {
  const { host, hostname, protocol } = new URL(baseUrl)
  if (protocol === "https:" || allowHttp || isLoopbackHost(hostname)) return []
  const message = `sends the token of the webhook to ${host} over http, readable on the way; use https, or set client.allow_http to true if the network is trusted`
  return [{ key: baseUrlPath.join("."), place, message }]
}

/** Where a value cannot be put, the file is wrong, and will be found to be. */
function overridden(value: unknown, [first, ...rest]: Path, own: Scalar): unknown {
  if (first === undefined) return own
  if (!isRecord(value) && value !== null && value !== undefined) return value
  return { ...value, [first]: overridden(value?.[first], rest, own) }
}

interface Found {
  readonly path: Path
  readonly message: string
}

/** A section is tried as one and as nothing; only what is wrong inside of it counts. */
function issuesOf(error: ParseResult.ParseError): ReadonlyArray<Found> {
  const first = new Map<string, Found>()
  const outer = new Set<string>()
  for (const { message, path: steps } of ParseResult.ArrayFormatter.formatErrorSync(error)) {
    const path = steps.map(String)
    const id = JSON.stringify(path)
    if (!first.has(id)) first.set(id, { path, message })
    for (const depth of path.keys()) outer.add(JSON.stringify(path.slice(0, depth)))
  }
  return [...first].filter(([id]) => !outer.has(id)).map(([, found]) => found)
}

/** As they stand in the file. */
function inOrder(found: ReadonlyArray<Found>, source: Source | undefined): ReadonlyArray<Found> {
  const lineOf = ({ path }: Found): number => source?.tree.lineOf(path) ?? 0
  return [...found].sort((one, other) => lineOf(one) - lineOf(other))
}

function sentenceOf(path: Path, message: string, all: unknown): string {
  const name = path.join(".")
  if (keys().some((key) => key.name === name)) return message
  const section = sections().find((one) => one.path.join(".") === name)
  if (section === undefined) return unknownKey(path)
  const actual = path.reduce<unknown>((value, one) => (isRecord(value) ? value[one] : value), all)
  return `expected a section with keys such as ${section.names.slice(0, 2).join(" and ")}, got ${sketch(actual)}`
}

/** A slip of the hand, a key of another section, or neither. */
function unknownKey(path: Path): string {
  const name = path.at(-1) ?? ""
  const names =
    sections().find((one) => one.path.join(".") === path.slice(0, -1).join("."))?.names ?? []
  const near = nearest(name, names) ?? keys().find((key) => key.path.at(-1) === name)?.name
  return near === undefined
    ? `is not a known key; known here are ${names.join(", ")}`
    : `is not a known key; did you mean ${near}?`
}

function placeOf(path: Path, source: Source | undefined, settings: ReadonlyArray<Setting>): string {
  const setting = settings.find(({ key }) => key.name === path.join("."))
  if (setting !== undefined) return setting.variable
  const line = source?.tree.lineOf(path)
  return line === undefined ? (source?.name ?? "") : `${source?.name}:${line}`
}
