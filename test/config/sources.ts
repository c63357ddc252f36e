/** Configurations, and the two ways to write one down. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { stringify } from "yaml"
import type { DiscordConfig } from "../../src/index.js"
import { presets } from "../../src/rest/UploadLimits.js"
import { isRecord, keys } from "../../src/config/keys.js"
import { settings } from "../../src/config/schema.js"

export const token = "Qm7-wE_r4tY.u1Io9Pa-2sDf_6Gh8jKl3Zx5Cv0-BnMqAzSwXeDcRfVtGbYhNuJm"
export const webhookUrl = `https://discord.com/api/webhooks/1234/${token}`

/** Loads with these variables, and no others. */
export const within =
  (variables: Readonly<Record<string, string>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(Object.entries(variables))))

/** What stands at a path of a tree. */
export const at = (tree: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce((inner, name) => (isRecord(inner) ? inner[name] : undefined), tree)

const encode = Schema.encodeSync(settings())

/** Nothing is left out, and secrets are plain: equal configurations are written the same. */
export const written = (config: DiscordConfig.Service): unknown => encode(config)

export const asYaml = (config: DiscordConfig.Service): string => stringify(encode(config))

export const asVariables = (config: DiscordConfig.Service): Record<string, string> =>
  Object.fromEntries(
    keys().flatMap(({ path, variable }) => {
      const value = at(encode(config), path)
      return value === undefined ? [] : [[variable, String(value)]]
    }),
  )

/** Configurations with a value under one key, for each key: in a file, and in the environment. */
export const putUnderEachKey = (value: string) =>
  keys().map(({ name, path, variable }) => ({
    name,
    yaml:
      path.map((part, depth) => `${"  ".repeat(depth)}${part}:`).join("\n") +
      ` ${JSON.stringify(value)}`,
    variables: { [variable]: value },
  }))

const { boolean, constant, integer, oneof, record } = FastCheck

const constantFrom = <const A extends string>(...values: ReadonlyArray<A>) =>
  FastCheck.constantFrom(...values)

const spans = oneof(
  integer({ min: 0, max: 2000 }),
  integer({ min: 0, max: 24 * 3600 }).map((seconds) => seconds * 1000),
  integer({ min: 0, max: 24 * 24 }).map((hours) => hours * 3_600_000),
).map((millis) => Duration.millis(millis))

const sizes = oneof(
  integer({ min: 1, max: 100_000_000 }),
  integer({ min: 1, max: 2000 }).map((mebibytes) => mebibytes * 2 ** 20),
  integer({ min: 1, max: 2000 }).map((megabytes) => megabytes * 1_000_000),
)

/** Any configuration that there can be. */
export const configs: FastCheck.Arbitrary<DiscordConfig.Service> = record({
  client: record(
    {
      webhookUrl: constantFrom(webhookUrl, `${webhookUrl}?thread_id=42`).map((url) =>
        Redacted.make<string>(url),
      ),
      baseUrl: constantFrom("https://discord.com/api/v10", "http://localhost:8080/api"),
      allowHttp: boolean(),
      timeout: spans.filter((span) => Duration.toMillis(span) > 0),
      connectionTimeout: spans.filter((span) => Duration.toMillis(span) > 0),
      userAgent: oneof(
        constantFrom("x", "1", "true", "a: b # c", "'\"\\"),
        FastCheck.stringMatching(/^[!-~][ -~]{0,30}[!-~]$/),
      ),
      dryRun: boolean(),
      retry: record({
        maxRetries: integer({ min: 0, max: 100 }),
        onAmbiguous: constantFrom("fail", "resend"),
      }),
      rateLimit: record({
        strategy: constantFrom("adaptive", "proactive", "reactive"),
        globalLimit: integer({ min: 1, max: 1_000_000 }),
        perRouteLimit: boolean(),
        backoffBase: spans,
        backoffMax: spans,
        delivery: constantFrom("ordered", "concurrent"),
        maxWait: oneof(constant(Duration.infinity), spans),
      }),
      uploads: record(
        {
          preset: constantFrom(...Struct.keys(presets)),
          maxFiles: integer({ min: 0, max: 10 }),
          maxFileSize: sizes,
          maxTotalSize: sizes,
        },
        { requiredKeys: ["preset"] },
      ),
    },
    {
      requiredKeys: [
        "baseUrl",
        "allowHttp",
        "timeout",
        "userAgent",
        "dryRun",
        "retry",
        "rateLimit",
        "uploads",
      ],
    },
  ),
  logging: record(
    {
      level: constantFrom("trace", "debug", "info", "warning", "error", "fatal", "none"),
      format: constantFrom("json", "logfmt", "pretty"),
    },
    { requiredKeys: [] },
  ),
})
