/**
 * Reads the configuration from the current `ConfigProvider`: each key has a variable, and
 * `DISCORD_WEBHOOK_URL` is a second name for that of the webhook.
 */
import * as Config from "effect/Config"
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Mistake } from "../error/ConfigurationError.js"
import { nearest } from "../model/nearest.js"
import { type Key, keys, type Scalar, sections, variableOf } from "./keys.js"

/** The key of the webhook, and the short name of its variable. */
export const webhookKey = "client.webhook_url"
export const webhookVariable = "DISCORD_WEBHOOK_URL"

/** The variable with the path of the file. */
export const fileVariable = "DISCORD_CONFIG_FILE"

/** A key that the environment sets. */
export interface Setting {
  readonly key: Key
  readonly variable: string
  readonly value: Scalar
}

export interface Environment {
  readonly settings: ReadonlyArray<Setting>
  readonly mistakes: ReadonlyArray<Mistake>
}

export const readEnvironment: Effect.Effect<Environment> = Effect.configProviderWith((provider) =>
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
 * Variables that are nearly one of ours. Others may begin with `DISCORD_`, too, such as
 * `DISCORD_CLIENT_ID`; only in sections that are specific to this SDK is every name ours. A second webhook
 * is no slip, and a missing one is noticed anyway.
 */
function findMisspellings(
  provider: ConfigProvider.ConfigProvider,
): Effect.Effect<ReadonlyArray<Mistake>> {
  const known = [...keys().map(({ variable }) => variable), fileVariable]
  return Effect.map(listVariables(provider, []), (names) =>
    names
      .filter((name) => !known.includes(name))
      .flatMap((name) => {
        const near = nearest(name, known)
        if (near === undefined ? !isOwnVariable(name) : name.startsWith(near)) return []
        const hint = near === undefined ? "" : `; did you mean ${near}?`
        return [{ key: "", place: name, message: `is not a known variable${hint}` }]
      }),
  )
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
