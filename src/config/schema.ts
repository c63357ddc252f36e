/**
 * The Schema of the configuration. YAML, environment, JSON Schema, the example, the guide's table and
 * all defaults are derived from it. It is built on first use; most programs never use it.
 */
import * as Duration from "effect/Duration"
import type * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { lazy } from "../model/lazy.js"
import { nearest } from "../model/nearest.js"
import { defaults as limiterDefaults } from "../ratelimit/settings.js"
import { RestConfig } from "../rest/RestConfig.js"
import { presets } from "../rest/UploadLimits.js"
import * as WebhookUrl from "../webhook/WebhookUrl.js"
import { byteSize, describeByteSize, duration, describeDuration, describeValue } from "./values.js"
import { parseUrl } from "../model/parseUrl.js"
const rest = RestConfig.defaultValue()

/** A key that has a default. */
const key = <A, I>(name: string, schema: Schema.Schema<A, I>, fallback: NoInfer<A>) =>
  Schema.optionalWith(schema, { exact: true, default: () => fallback }).pipe(Schema.fromKey(name))

/** A key that may be absent. */
const optional = <A, I>(name: string, schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(schema, { exact: true }).pipe(Schema.fromKey(name))

/** A section whose keys all have defaults. It may be null, when all keys are commented out. */
const section = <A, I>(name: string, schema: Schema.Schema<A, I>, meaning: string) => {
  const fallback = Schema.decodeUnknownSync(schema)({})
  return Schema.optionalWith(schema.annotations({ description: meaning }), {
    exact: true,
    nullable: true,
    default: () => fallback,
  }).pipe(Schema.fromKey(name))
}

type MessageOf = (value: unknown) => string

/** Sets the description, and the complete error message for a wrong value. */
const withMeaning = <A, I>(schema: Schema.Schema<A, I>, meaning: string, complain: MessageOf) =>
  schema.annotations({
    description: meaning,
    message: ({ actual }: ParseResult.ParseIssue) => ({
      message: complain(actual),
      override: true,
    }),
  })

const expecting =
  (expected: string): MessageOf =>
  (value) =>
    `expected ${expected}, got ${describeValue(value)}`

const oneOf = <const L extends ReadonlyArray<string>>(names: L, meaning: string) =>
  withMeaning(Schema.Literal(...names), meaning, (value) => {
    const near = typeof value === "string" ? nearest(value, names) : undefined
    const hint = near === undefined ? "" : `; did you mean ${near}?`
    return `${expecting(`one of ${names.join(", ")}`)(value)}${hint}`
  })

const timeSpan = (shortest: Duration.DurationInput, meaning: string) => {
  const least = Duration.decode(shortest)
  return withMeaning(duration(least), meaning, expecting(describeDuration(least)))
}

const wholeNumber = (minimum: number, maximum: number, meaning: string) =>
  withMeaning(
    Schema.Number.pipe(
      Schema.filter((n) => Number.isInteger(n) && n >= minimum && n <= maximum, {
        jsonSchema: { type: "integer", minimum, maximum },
      }),
    ),
    meaning,
    expecting(`a whole number from ${minimum} to ${maximum}`),
  )

const size = (meaning: string) => withMeaning(byteSize(), meaning, expecting(describeByteSize))

const flag = (meaning: string) => withMeaning(Schema.Boolean, meaning, expecting("true or false"))

const text = (
  holds: (value: string) => boolean,
  jsonSchema: object,
  expected: string,
  meaning: string,
) =>
  withMeaning(
    Schema.String.pipe(Schema.filter(holds, { jsonSchema: { type: "string", ...jsonSchema } })),
    meaning,
    expecting(expected),
  )

const printable = /^[!-~](?:[ -~]*[!-~])?$/

const forever = () =>
  Schema.transform(
    Schema.Literal("forever"),
    Schema.DurationFromSelf.pipe(Schema.filter((_) => !Duration.isFinite(_))),
    { strict: true, decode: () => Duration.infinity, encode: () => "forever" as const },
  )

const maxWait = () =>
  withMeaning(
    Schema.Union(forever(), duration(Duration.zero)),
    "Maximum wait for a rate limit. A call that would wait longer fails at once with WebhookRateLimited.",
    expecting(`forever, or ${describeDuration(Duration.zero)}`),
  )

const webhookUrlText = () =>
  Schema.transform(
    Schema.String.pipe(
      Schema.filter((url) => checkWebhookUrl(url) === undefined, {
        jsonSchema: { type: "string" },
      }),
    ),
    Schema.RedactedFromSelf(Schema.String),
    { strict: true, decode: (url) => Redacted.make(url), encode: Redacted.value },
  )

/** The error shows nothing of the value, not even its length: it is the credential. */
const webhookUrl = () =>
  withMeaning(
    webhookUrlText(),
    "URL of the webhook that DiscordConfig.webhook returns. A secret: prefer the environment to a file.",
    (value) =>
      typeof value === "string" ? (checkWebhookUrl(value) ?? "") : "expected the URL of a webhook",
  )

const retry = () =>
  Schema.Struct({
    maxRetries: key(
      "max_retries",
      wholeNumber(0, 100, "Maximum number of retries after 5xx responses and failed connections."),
      rest.maxRetries,
    ),
    onAmbiguous: key(
      "on_ambiguous",
      oneOf(
        ["fail", "resend"],
        "How to treat a send whose response was lost: fail with an error, or resend, which may post it twice.",
      ),
      "fail",
    ),
  })

const rateLimit = () =>
  Schema.Struct({
    strategy: key(
      "strategy",
      oneOf(
        ["adaptive", "proactive", "reactive"],
        "Strategy that decides when a bucket's slots are used.",
      ),
      "adaptive",
    ),
    globalLimit: key(
      "global_limit",
      wholeNumber(1, 1_000_000, "Maximum requests per second over all webhooks of this process."),
      limiterDefaults.globalLimit,
    ),
    perRouteLimit: key(
      "per_route_limit",
      flag(
        "Whether requests wait for the slots of their bucket. With false, only the global limit and 429 responses delay them, without a strategy: for a proxy that limits requests.",
      ),
      true,
    ),
    backoffBase: key(
      "backoff_base",
      timeSpan(0, "Delay before the first retry; it doubles with each retry."),
      Duration.decode(rest.backoffBase),
    ),
    backoffMax: key(
      "backoff_max",
      timeSpan(0, "Maximum delay before a retry."),
      Duration.decode(rest.backoffMax),
    ),
    delivery: key(
      "delivery",
      oneOf(
        ["ordered", "concurrent"],
        "Whether a webhook's messages are sent in sequence, or concurrently as far as the limit allows.",
      ),
      rest.delivery,
    ),
    maxWait: key("max_wait", maxWait(), Duration.infinity),
  })

const uploads = () =>
  Schema.Struct({
    preset: key(
      "preset",
      oneOf(Struct.keys(presets), "Upload limits, which the keys below override."),
      "default",
    ),
    maxFiles: optional("max_files", wholeNumber(0, 10, "Maximum number of files per message.")),
    maxFileSize: optional("max_file_size", size("Maximum size of one file.")),
    maxTotalSize: optional("max_total_size", size("Maximum total size of the files of a request.")),
  })

const client = () =>
  Schema.Struct({
    webhookUrl: optional("webhook_url", webhookUrl()),
    baseUrl: key(
      "base_url",
      text(
        isBaseUrl,
        { format: "uri", pattern: "^https?://" },
        "the address of an API such as https://discord.com/api/v10",
        "Address of the API, version included. Set it for a proxy or a simulator.",
      ),
      rest.baseUrl,
    ),
    allowHttp: key(
      "allow_http",
      flag(
        "Whether base_url may use http: with a host other than this machine. Tokens are then sent unencrypted.",
      ),
      false,
    ),
    timeout: key(
      "timeout",
      timeSpan(
        "1 millis",
        "Limit of one attempt, from sending the request to the last byte of the response.",
      ),
      Duration.decode(rest.timeout),
    ),
    connectionTimeout: optional(
      "connection_timeout",
      timeSpan(
        "1 millis",
        "Limit of the wait for a connection before an attempt is sent. Default: timeout.",
      ),
    ),
    userAgent: key(
      "user_agent",
      text(
        (value) => printable.test(value),
        { pattern: printable.source },
        "letters, digits and signs of ASCII",
        "User-Agent header. Discord requires the form DiscordBot (url, version).",
      ),
      rest.userAgent,
    ),
    dryRun: key(
      "dry_run",
      flag("Logs requests instead of sending them, and returns fake responses."),
      false,
    ),
    retry: section("retry", retry(), "Retries after failures."),
    uploads: section("uploads", uploads(), "Limits of files, checked before a message is sent."),
    rateLimit: section("rate_limit", rateLimit(), "Rate limiting."),
  })

const logging = () =>
  Schema.Struct({
    level: optional(
      "level",
      oneOf(
        ["trace", "debug", "info", "warning", "error", "fatal", "none"],
        "Minimum level that is logged. Default: that of the program (Effect's is info).",
      ),
    ),
    format: optional(
      "format",
      oneOf(["json", "logfmt", "pretty"], "Format of log lines. Default: that of the program."),
    ),
  })

/** Keys are snake case in a file and camel case in a program. */
export const settings = lazy(() =>
  Schema.Struct({
    client: section("client", client(), "How messages are sent to Discord."),
    logging: section("logging", logging(), "Level and format of the program's logs."),
  }),
)

export type Settings = Schema.Schema.Type<ReturnType<typeof settings>>

/** Rejects the URL of a webhook, which would be a secret in a field that is not treated as one. */
function isBaseUrl(value: string): boolean {
  const url = parseUrl(value)
  if (url === undefined) return false
  const { protocol, username, password, pathname, search, hash } = url
  const isPlain = username === "" && password === "" && search === "" && hash === ""
  return /^https?:$/.test(protocol) && isPlain && !pathname.includes("/webhooks")
}

function checkWebhookUrl(url: string): string | undefined {
  const parsed = WebhookUrl.parse(url)
  return parsed._tag === "Left" ? parsed.left.message : undefined
}
