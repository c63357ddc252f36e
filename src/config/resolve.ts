/**
 * Combines YAML and environment to a configuration, or to an error with all mistakes. The environment
 * is the current `ConfigProvider`: each key has a variable, and `DISCORD_WEBHOOK_URL` is a second name
 * for that of the webhook.
 */
import * as Config from "effect/Config"
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { truncateIssues } from "../error/message.js"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import type { Mistake } from "../error/ConfigurationError.js"
import { lazy } from "../model/lazy.js"
import { nearest } from "../model/nearest.js"
import { isDiscordHost, isLoopbackHost } from "../rest/request.js"
import {
  fileVariable,
  isRecord,
  type Key,
  keys,
  type Path,
  type Scalar,
  sections,
  variableOf,
  webhookKey,
  webhookVariable,
} from "./keys.js"
import { type Settings, settings as schema } from "./schema.js"
import { describeValue, describeKey } from "./values.js"
import type { Tree } from "./yaml.js"

export interface Source {
  /** For errors: the path of the file. */
  readonly name: string
  readonly tree: Tree
}

/** A key that the environment sets. */
interface Setting {
  readonly key: Key
  readonly variable: string
  readonly value: Scalar
}

interface Environment {
  readonly settings: ReadonlyArray<Setting>
  readonly mistakes: ReadonlyArray<Mistake>
}

const baseUrlPath: Path = ["client", "base_url"]

const decoder = lazy(() =>
  Schema.decodeUnknownEither(schema(), { errors: "all", onExcessProperty: "error" }),
)

const readEnvironment: Effect.Effect<Environment> = Effect.configProviderWith((provider) =>
  Effect.gen(function* () {
    const read = yield* Effect.forEach(keys(), (key) => readKey(provider, key))
    return {
      settings: read.flatMap(({ settings }) => settings),
      mistakes: [
        ...read.flatMap(({ mistakes }) => mistakes),
        ...(yield* findMisspellings(provider)),
      ],
    }
  }),
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

function readKey(provider: ConfigProvider.ConfigProvider, key: Key): Effect.Effect<Environment> {
  const variables = key.name === webhookKey ? [webhookVariable, key.variable] : [key.variable]
  return Effect.map(
    Effect.forEach(variables, (variable) => readVariable(provider, key, variable)),
    (all) => {
      const settings = all.flatMap((one) => one.settings)
      const mistakes = all.flatMap((one) => one.mistakes)
      const [first, second] = settings
      return first === undefined || second === undefined || first.value === second.value
        ? { settings: settings.slice(0, 1), mistakes }
        : { settings: [], mistakes: [...mistakes, conflictingWebhooks(first, second)] }
    },
  )
}

/** Fails instead of choosing one: a message in the wrong channel cannot be unread. */
function conflictingWebhooks(first: Setting, second: Setting): Mistake {
  const message = `is set to another webhook than ${second.variable}; set only one of them`
  return { key: first.key.name, place: first.variable, message }
}

/** An empty variable counts as not set, because shells and containers pass it on like that. */
function readVariable(
  provider: ConfigProvider.ConfigProvider,
  key: Key,
  variable: string,
): Effect.Effect<Environment> {
  return provider.load(Config.option(Config.string(variable))).pipe(
    Effect.map((text) => ({
      settings: Option.toArray(text)
        .map((one) => one.trim())
        .filter((one) => one !== "")
        .map((one) => ({ key, variable, value: parseScalar(key, one) })),
      mistakes: [],
    })),
    // The provider's error may contain the value.
    Effect.catchAll(() =>
      Effect.succeed({
        settings: [],
        mistakes: [
          { key: key.name, place: variable, message: "the ConfigProvider cannot read it" },
        ],
      }),
    ),
  )
}

/** Converts text to a boolean or number if the key has that type; the Schema rejects the rest. */
function parseScalar({ kinds }: Key, text: string): Scalar {
  if (kinds.includes("boolean") && /^(?:true|false)$/i.test(text)) return /^t/i.test(text)
  return kinds.includes("number") && /^[-+]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}

/**
 * Variables that are nearly one of ours, or one of ours without its section: whoever sets `DISCORD_DRY_RUN` expects
 * that nothing is sent. Others may begin with `DISCORD_`, too, such as `DISCORD_CLIENT_ID`; only in sections that are
 * specific to this SDK is every name ours. A second webhook is no slip, and a missing one is noticed anyway.
 */
function findMisspellings(
  provider: ConfigProvider.ConfigProvider,
): Effect.Effect<ReadonlyArray<Mistake>> {
  const known = [...keys().map(({ variable }) => variable), fileVariable]
  return Effect.map(listVariables(provider, []), (names) =>
    names
      .filter((name) => !known.includes(name))
      .flatMap((name) => {
        const near = nearest(name, known) ?? withoutSection(name)
        if (near === undefined ? !isOwnVariable(name) : name.startsWith(near)) return []
        const hint = near === undefined ? "" : `; did you mean ${near}?`
        return [{ key: "", place: name, message: `is not a known variable${hint}` }]
      }),
  )
}

/**
 * Returns the variable of which this one leaves sections out. A single word is not enough: `DISCORD_TIMEOUT` may
 * belong to another program. The webhook has a short name of its own.
 */
function withoutSection(name: string): string | undefined {
  if (name === webhookVariable) return undefined
  return keys().find(({ path }) =>
    path.some((_, start) => {
      const rest = path.slice(start)
      return start > 0 && rest.join("_").includes("_") && variableOf(rest) === name
    }),
  )?.variable
}

function isOwnVariable(name: string): boolean {
  return sections().some(({ path }) => path.length > 1 && name.startsWith(`${variableOf(path)}_`))
}

/** The names that begin with `DISCORD_`. A provider splits them where it likes. */
function listVariables(
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<string>> {
  const name = path.join("_")
  if (path.length > 0 && !`${name}_`.startsWith("DISCORD_")) return Effect.succeed([])
  return provider.flattened.enumerateChildren(path).pipe(
    Effect.map((children) => [...children]),
    Effect.orElseSucceed((): ReadonlyArray<string> => []),
    Effect.flatMap((children) =>
      children.length === 0
        ? Effect.succeed(path.length === 0 ? [] : [name])
        : Effect.map(
            Effect.forEach(children, (child) => listVariables(provider, [...path, child])),
            (all) => all.flat(),
          ),
    ),
  )
}
