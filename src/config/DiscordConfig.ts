/**
 * The settings of the SDK from outside the program: from the environment, and from a YAML file that
 * the environment overrides. Every key has a default.
 *
 * @since 0.1.0
 * @module
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { ConfigurationError } from "../error/ConfigurationError.js"
import type * as RateLimiter from "../ratelimit/RateLimiter.js"
import type * as Strategy from "../ratelimit/Strategy.js"
import { lazily } from "../model/lazily.js"
import { readText } from "./file.js"
import { make as makeJsonSchema } from "./jsonSchema.js"
import { layerOf } from "./layer.js"
import { resolve } from "./resolve.js"
import { type Settings, settings } from "./settings.js"
import { parse } from "./yaml.js"

/**
 * All settings. The guide on configuration has the table of the keys, with their defaults.
 *
 * @since 0.1.0
 * @category models
 */
export interface DiscordConfig extends Settings {}

/**
 * What a program gets from a configuration. The `HttpClient` is the one that it was given, or, when
 * `client.dry_run` is true, one that sends nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy

const decodedDefaults = lazily(() => Schema.decodeSync(settings())({}))

/**
 * What holds where nothing is configured.
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
export const defaults: DiscordConfig = {
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
 * From the environment alone, or whatever `ConfigProvider` is in force. Each key is read by the name
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
export const load: Effect.Effect<DiscordConfig, ConfigurationError> = resolve(undefined)

/**
 * From the text of a YAML file, overridden by the environment. `name` stands for it in errors.
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
): Effect.Effect<DiscordConfig, ConfigurationError> =>
  Effect.flatMap(parse(text, name), (tree) => resolve({ name, tree }))

/**
 * From a YAML file, overridden by the environment. Fails when the file is missing, larger than
 * 256 kB, no YAML, or has a key or value that is wrong; a wrong variable is told at the same time.
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
): Effect.Effect<DiscordConfig, ConfigurationError, FileSystem.FileSystem> =>
  Effect.flatMap(readText(path), (text) => loadYaml(text, path))

/**
 * Puts a configuration in force: limiter, strategy, settings of the requests, logging, and the dry
 * run if it is one. The webhook of the configuration is what `Webhook.config("DISCORD_WEBHOOK_URL")`
 * finds.
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
export const layer: (config: DiscordConfig) => Layer.Layer<Services, never, HttpClient.HttpClient> =
  layerOf

/**
 * {@link load}, put in force: everything but the `HttpClient` comes from the environment.
 *
 * @example
 * ```ts
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { DiscordConfig, Webhook } from "effect-discord"
 * import { Effect, Layer } from "effect"
 *
 * const discord = Layer.provide(DiscordConfig.layerConfig, FetchHttpClient.layer)
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
 *   yield* Webhook.send(hook, { content: "hello" })
 * }).pipe(Effect.provide(discord))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<Services, ConfigurationError, HttpClient.HttpClient> =
  Layer.unwrapEffect(Effect.map(load, layer))

/**
 * {@link loadFile}, put in force. On Node, `NodeDiscord.layerConfig` does it in one word.
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
): Layer.Layer<Services, ConfigurationError, HttpClient.HttpClient | FileSystem.FileSystem> =>
  Layer.unwrapEffect(Effect.map(loadFile(path), layer))
