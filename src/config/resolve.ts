/** Combines YAML and environment to a configuration, or to an error with all mistakes. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { truncateIssues } from "../error/message.js"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import type { Mistake } from "../error/ConfigurationError.js"
import { lazy } from "../model/lazy.js"
import { nearest } from "../model/nearest.js"
import { isDiscordHost, isLoopbackHost } from "../rest/request.js"
import { type Environment, readEnvironment, type Setting } from "./environment.js"
import { isRecord, keys, type Path, type Scalar, sections } from "./keys.js"
import { type Settings, settings as schema } from "./schema.js"
import { describeValue, describeKey } from "./values.js"
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
  Effect.flatMap(readEnvironment, (environment) => decodeSettings(source, environment))

function decodeSettings(
  source: Source | undefined,
  { settings, mistakes }: Environment,
): Either.Either<Settings, DiscordConfigurationError> {
  const all = settings.reduce<unknown>(
    (value, { key, value: own }) => setPath(value, key.path, own),
    source?.tree.root ?? {},
  )
  const decoded = Either.mapLeft(decoder()(all), (error) => sortByLine(issuesOf(error), source))
  const found: ReadonlyArray<ConfigIssue | Mistake> = Either.match(decoded, {
    onLeft: Function.identity,
    onRight: ({ client }) => checkBaseUrl(client, placeOf(baseUrlPath, source, settings)),
  })
  if (Either.isRight(decoded) && found.length === 0 && mistakes.length === 0) {
    return Either.right(decoded.right)
  }
  // First, because describing a mistake searches for similar keys, and a file may have thousands.
  const { kept, rest } = truncateIssues([...found, ...mistakes])
  const described = kept.map((one) =>
    "key" in one
      ? one
      : {
          key: one.path.map(describeKey).join("."),
          place: placeOf(one.path, source, settings),
          message: describeIssue(one.path, one.message, all),
        },
  )
  return Either.left(new DiscordConfigurationError({ mistakes: described, ...rest }))
}

function checkBaseUrl(client: Settings["client"], place: string): ReadonlyArray<Mistake> {
  const message = describeBaseUrl(client)
  return message === undefined ? [] : [{ key: baseUrlPath.join("."), place, message }]
}

function describeBaseUrl({ allowHttp, baseUrl }: Settings["client"]): string | undefined {
  const { host, hostname, pathname, protocol } = new URL(baseUrl)
  // The URL of each request holds the token of its webhook.
  if (protocol !== "https:" && !allowHttp && !isLoopbackHost(hostname))
    return `sends the token of the webhook to ${host} over http, readable on the way; use https, or set client.allow_http to true if the network is trusted`
  return isDiscordHost(hostname) && !/^\/api(\/|$)/.test(pathname)
    ? `is an address of Discord, but not of its API; use https://${host}/api/v10`
    : undefined
}

/** Returns the value unchanged where the path does not fit; decoding then reports it. */
function setPath(value: unknown, [first, ...rest]: Path, own: Scalar): unknown {
  if (first === undefined) return own
  if (!isRecord(value) && value !== null && value !== undefined) return value
  return { ...value, [first]: setPath(value?.[first], rest, own) }
}

interface ConfigIssue {
  readonly path: Path
  readonly message: string
}

/** A section is a union with null; only the innermost issues count. */
function issuesOf(error: ParseResult.ParseError): ReadonlyArray<ConfigIssue> {
  const first = new Map<string, ConfigIssue>()
  const outer = new Set<string>()
  for (const { message, path: steps } of ParseResult.ArrayFormatter.formatErrorSync(error)) {
    const path = steps.map(String)
    const id = JSON.stringify(path)
    if (!first.has(id)) first.set(id, { path, message })
    for (const depth of path.keys()) outer.add(JSON.stringify(path.slice(0, depth)))
  }
  return [...first].filter(([id]) => !outer.has(id)).map(([, found]) => found)
}

/** Sorts by line. */
function sortByLine(
  found: ReadonlyArray<ConfigIssue>,
  source: Source | undefined,
): ReadonlyArray<ConfigIssue> {
  const placed = found.map((issue) => ({ issue, line: source?.tree.lineOf(issue.path) ?? 0 }))
  return placed.sort((one, other) => one.line - other.line).map(({ issue }) => issue)
}

function describeIssue(path: Path, message: string, all: unknown): string {
  const name = path.join(".")
  if (keys().some((key) => key.name === name)) return message
  const section = sections().find((one) => one.path.join(".") === name)
  if (section === undefined) return describeUnknownKey(path)
  const actual = path.reduce<unknown>((value, one) => (isRecord(value) ? value[one] : value), all)
  return `expected a section with keys such as ${section.names.slice(0, 2).join(" and ")}, got ${describeValue(actual)}`
}

/** Suggests a key with a similar name, or the same name in another section. */
function describeUnknownKey(path: Path): string {
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
