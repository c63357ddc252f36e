/**
 * The settings of the SDK from outside the program: from the environment, and from a YAML file that
 * the environment overrides. Every key has a default.
 *
 * @since 0.1.0
 * @module
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { webhookUrlNotSet } from "../error/message.js"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import { lazy } from "../model/lazy.js"
import * as RateLimiter from "../ratelimit/RateLimiter.js"
import * as Strategy from "../ratelimit/Strategy.js"
import * as DryRun from "../rest/DryRun.js"
import { isDiscordHost } from "../rest/request.js"
import * as RestConfig from "../rest/RestConfig.js"
import * as UploadLimits from "../rest/UploadLimits.js"
import * as Webhook from "../webhook/Webhook.js"
import { makeJsonSchema, webhookKey, webhookVariable } from "./keys.js"
import * as Logging from "./Logging.js"
import { resolve } from "./resolve.js"
import { type Settings, settings } from "./schema.js"
import { readText, parse } from "./yaml.js"

/**
 * All settings. The guide on configuration has the table of the keys, with their defaults.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Settings {}

/**
 * The settings in force, which every layer of this module provides.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const timeout = Effect.map(DiscordConfig.DiscordConfig, ({ client }) => client.timeout)
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class DiscordConfig extends Context.Tag("effect-discord/DiscordConfig")<
  DiscordConfig,
  Service
>() {}

/**
 * The services that the layers provide. The `HttpClient` is the given one, or one that sends nothing when
 * `client.dry_run` is true.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | DiscordConfig
  | HttpClient.HttpClient
  | RateLimiter.RateLimiter
  | Strategy.Strategy

const decodedDefaults = lazy(() => Schema.decodeSync(settings())({}))

/**
 * The settings of an empty configuration.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 *
 * DiscordConfig.defaults.client.rateLimit.strategy // "adaptive"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const defaults: Service = {
  get client() {
    return decodedDefaults().client
  },
  get logging() {
    return decodedDefaults().logging
  },
}

/**
 * The form of the file as a JSON Schema (draft 7), for editors and for tools that check files. It
 * ships with the package as `effect-discord/discord.schema.json`.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const text = Effect.map(DiscordConfig.jsonSchema, (form) => JSON.stringify(form, undefined, 2))
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const jsonSchema: Effect.Effect<object> = Effect.sync(makeJsonSchema)

/**
 * Reads the settings from the current `ConfigProvider`, by default the environment. Each key is read by the name
 * of its variable, such as `DISCORD_CLIENT_RATE_LIMIT_STRATEGY`.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 * import { ConfigProvider, Effect } from "effect"
 *
 * const environment = ConfigProvider.fromMap(new Map([["DISCORD_CLIENT_TIMEOUT", "5s"]]))
 * const timeout = DiscordConfig.load.pipe(
 *   Effect.map((config) => config.client.timeout),
 *   Effect.withConfigProvider(environment),
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const load: Effect.Effect<Service, DiscordConfigurationError> = resolve(undefined)

/**
 * Reads the settings from YAML text, overridden by the environment. Errors refer to the text by `name`.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 *
 * const config = DiscordConfig.loadYaml(`
 * client:
 *   rate_limit:
 *     strategy: proactive
 * `)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadYaml = (
  text: string,
  name = "YAML",
): Effect.Effect<Service, DiscordConfigurationError> =>
  Effect.flatMap(parse(text, name), (tree) => resolve({ name, tree }))

/**
 * Reads the settings from a YAML file, overridden by the environment. Fails when the file is missing, larger than
 * 256 kB, no YAML, or has a key or value that is wrong; wrong variables are part of the same error.
 *
 * @example
 * ```ts
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import { DiscordConfig } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const config = DiscordConfig.loadFile("discord.yaml").pipe(Effect.provide(NodeFileSystem.layer))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadFile = (
  path: string,
): Effect.Effect<Service, DiscordConfigurationError, FileSystem.FileSystem> =>
  Effect.flatMap(readText(path), (text) => loadYaml(text, path))

/**
 * The webhook that `client.webhook_url` or `DISCORD_WEBHOOK_URL` names. Fails with a
 * `DiscordConfigurationError` when neither is set.
 *
 * @example
 * ```ts
 * import { DiscordConfig, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* DiscordConfig.webhook
 *   yield* Webhook.send(hook, { content: "hello" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const webhook: Effect.Effect<Webhook.Webhook, DiscordConfigurationError, DiscordConfig> =
  Effect.flatMap(DiscordConfig, ({ client: { webhookUrl } }) =>
    webhookUrl === undefined
      ? Either.left(withoutWebhook(webhookUrlNotSet))
      : Effect.mapError(Webhook.fromUrl(webhookUrl), ({ message }) => withoutWebhook(message)),
  )

const strategies: Readonly<
  Record<Service["client"]["rateLimit"]["strategy"], Layer.Layer<Strategy.Strategy>>
> = {
  adaptive: Strategy.layerAdaptive,
  proactive: Strategy.layerProactive,
  reactive: Strategy.layerReactive,
}

/** Counts no slots: requests wait only for the global limit and after a 429. */
const layerGlobalOnly: Layer.Layer<Strategy.Strategy> = Strategy.layer({
  name: "global",
  initial: undefined,
  shouldWait: () => false,
  calculateWait: () => Duration.zero,
  observe: (memory) => memory,
})

/**
 * Provides limiter, strategy, settings of the requests, logging, and the dry run if it is one.
 *
 * @example
 * ```ts
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { DiscordConfig } from "effect-discord"
 * import { Layer } from "effect"
 *
 * const { client, ...others } = DiscordConfig.defaults
 * const dry = DiscordConfig.layer({ ...others, client: { ...client, dryRun: true } }).pipe(
 *   Layer.provide(FetchHttpClient.layer),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (config: Service): Layer.Layer<Services, never, HttpClient.HttpClient> =>
  Layer.merge(makeLayer(config), Layer.succeed(DiscordConfig, config))

/**
 * {@link layer} of what {@link load} reads: everything but the `HttpClient` comes from the
 * environment, that is, from the `ConfigProvider` of the program.
 *
 * @example
 * ```ts
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { DiscordConfig, Webhook } from "effect-discord"
 * import { Effect, Layer } from "effect"
 *
 * const discord = Layer.provide(DiscordConfig.layerEnv, FetchHttpClient.layer)
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* DiscordConfig.webhook
 *   yield* Webhook.send(hook, { content: "hello" })
 * }).pipe(Effect.provide(discord))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv: Layer.Layer<Services, DiscordConfigurationError, HttpClient.HttpClient> =
  Layer.unwrapEffect(Effect.map(load, layer))

/**
 * {@link layer} of what {@link loadFile} reads. On Node, `NodeDiscord.layerFile` needs no more.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Layer } from "effect"
 *
 * const discord = DiscordConfig.layerFile("/etc/my-service/discord.yaml").pipe(
 *   Layer.provide([NodeHttpClient.layerUndici, NodeFileSystem.layer]),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string,
): Layer.Layer<
  Services,
  DiscordConfigurationError,
  HttpClient.HttpClient | FileSystem.FileSystem
> => Layer.unwrapEffect(Effect.map(loadFile(path), layer))

function withoutWebhook(message: string): DiscordConfigurationError {
  return new DiscordConfigurationError({
    mistakes: [{ key: webhookKey, place: webhookVariable, message }],
  })
}

function makeLayer({
  client,
  logging,
}: Service): Layer.Layer<
  HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy,
  never,
  HttpClient.HttpClient
> {
  return Layer.mergeAll(
    layerHttpClient(client),
    // The Schema is stricter than the limiter.
    Layer.orDie(RateLimiter.layerWith({ globalLimit: client.rateLimit.globalLimit })),
    client.rateLimit.perRouteLimit ? strategies[client.rateLimit.strategy] : layerGlobalOnly,
    RestConfig.layerWith(restOptions(client)),
  ).pipe(
    // Not merged: fiber refs set by layers that are built in parallel outlive their scope.
    Layer.provideMerge(Logging.layer(logging)),
    // First, with the program's own loggers: the file that sets the host may also turn logging off.
    Layer.provideMerge(layerHostWarning(client)),
  )
}

/** The configuration decides which host receives the tokens, so another host is logged. */
function layerHostWarning({ baseUrl, dryRun }: Service["client"]): Layer.Layer<never> {
  const { host, hostname } = new URL(baseUrl)
  if (dryRun || isDiscordHost(hostname)) return Layer.empty
  return Layer.effectDiscard(
    Effect.logWarning(
      `Webhook requests, whose URLs hold the tokens, go to ${host} and not to Discord, because of client.base_url`,
    ),
  )
}

function layerHttpClient(
  client: Service["client"],
): Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> {
  return client.dryRun ? DryRun.layer : Layer.service(HttpClient.HttpClient)
}

function restOptions(client: Service["client"]): Partial<RestConfig.RestOptions> {
  const { rateLimit, retry } = client
  return {
    baseUrl: client.baseUrl,
    userAgent: client.userAgent,
    timeout: client.timeout,
    connectionTimeout: client.connectionTimeout,
    maxRetries: retry.maxRetries,
    retry: retry.onAmbiguous === "resend" ? "atLeastOnce" : "safe",
    backoffBase: rateLimit.backoffBase,
    backoffMax: rateLimit.backoffMax,
    delivery: rateLimit.delivery,
    maxWait: rateLimit.maxWait,
    uploads: uploadLimits(client.uploads),
  }
}

function uploadLimits(uploads: Service["client"]["uploads"]): UploadLimits.UploadLimits {
  const preset = UploadLimits.presets[uploads.preset]
  return {
    maxFiles: uploads.maxFiles ?? preset.maxFiles,
    maxFileBytes: uploads.maxFileSize ?? preset.maxFileBytes,
    maxTotalBytes: uploads.maxTotalSize ?? preset.maxTotalBytes,
  }
}
