/**
 * Layers with everything a program on Node needs to send to Discord.
 *
 * @since 0.1.0
 * @module
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as DiscordConfig from "../config/DiscordConfig.js"
import { fileVariable } from "../config/environment.js"
import type { DiscordConfigurationError } from "../error/ConfigurationError.js"
import * as RateLimiter from "../ratelimit/RateLimiter.js"
import * as Strategy from "../ratelimit/Strategy.js"
import * as client from "./client.js"
import * as dispatcher from "./dispatcher.js"

export type { Options } from "./dispatcher.js"

/** Read if it is there. */
const usualFile = "discord.yaml"

/**
 * An `HttpClient` on undici, tuned for webhooks: sockets stay open between messages, their number is
 * bounded, and no redirect is followed, because the URL is the credential. A proxy that the
 * environment names is used (`proxy`).
 *
 * Fails with a `DiscordConfigurationError` when a proxy is named by what is no URL, and on a runtime without
 * undici, such as Bun, where `FetchHttpClient.layer` takes its place.
 *
 * On it, this SDK sends without the overhead of `HttpClient`, unless it has been wrapped: with
 * `HttpClient.mapRequest` and the like it works and costs as any client
 * (`npm run bench:cost`).
 *
 * @example
 * ```ts
 * import { RateLimiter, Strategy } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Layer } from "effect"
 *
 * const discord = Layer.mergeAll(
 *   NodeDiscord.layerHttpClientWith({ connections: 8, keepAlive: "10 seconds" }),
 *   RateLimiter.layer,
 *   Strategy.layerAdaptive,
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClientWith = (
  options: dispatcher.Options,
): Layer.Layer<HttpClient.HttpClient, DiscordConfigurationError> =>
  Layer.scoped(
    HttpClient.HttpClient,
    Effect.map(dispatcher.makeDispatcher(options), client.makeClient),
  )

/**
 * {@link layerHttpClientWith} with its defaults.
 *
 * @example
 * ```ts
 * import { RateLimiter, Strategy } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Layer } from "effect"
 *
 * const discord = Layer.mergeAll(
 *   NodeDiscord.layerHttpClient,
 *   RateLimiter.layer,
 *   Strategy.layerReactive,
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, DiscordConfigurationError> =
  layerHttpClientWith({})

/**
 * The recommended services on Node: the tuned `HttpClient`, the rate limiter of this process and the
 * adaptive strategy.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.fromUrl(process.env.DISCORD_WEBHOOK_URL!)
 *   yield* Webhook.send(hook, { content: "hello" })
 * })
 *
 * Effect.runPromise(Effect.provide(program, NodeDiscord.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy,
  DiscordConfigurationError
> = Layer.mergeAll(layerHttpClient, RateLimiter.layer, Strategy.layerAdaptive)

/**
 * What {@link layer} gives, with settings from outside the program. They come from the environment
 * and from a YAML file: the one that `DISCORD_CONFIG_FILE` names, or else `discord.yaml` in the
 * working directory, if there is one.
 *
 * @example
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import { DiscordConfig, Webhook } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* DiscordConfig.webhook
 *   yield* Webhook.send(hook, { content: "hello" })
 * })
 *
 * program.pipe(Effect.provide(NodeDiscord.layerEnv), NodeRuntime.runMain)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv: Layer.Layer<DiscordConfig.Services, DiscordConfigurationError> =
  Layer.unwrapEffect(Effect.suspend(configuredLayer)).pipe(
    Layer.provide([layerHttpClient, NodeFileSystem.layer]),
  )

/**
 * {@link layerEnv} with a file of another name, which must be there.
 *
 * @example
 * ```ts
 * import { NodeDiscord } from "effect-discord/node"
 *
 * const discord = NodeDiscord.layerFile("/etc/my-service/discord.yaml")
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string,
): Layer.Layer<DiscordConfig.Services, DiscordConfigurationError> =>
  DiscordConfig.layerFile(path).pipe(Layer.provide([layerHttpClient, NodeFileSystem.layer]))

/** A file whose existence cannot be checked is read, so that reading it reports the reason. */
function configuredLayer(): Effect.Effect<
  ReturnType<typeof DiscordConfig.layerFile>,
  never,
  FileSystem.FileSystem
> {
  return Effect.gen(function* () {
    const named = yield* Config.nonEmptyString(fileVariable).pipe(Effect.option)
    if (Option.isSome(named)) return DiscordConfig.layerFile(named.value)
    const files = yield* FileSystem.FileSystem
    const isThere = yield* Effect.orElseSucceed(files.exists(usualFile), () => true)
    return isThere ? DiscordConfig.layerFile(usualFile) : DiscordConfig.layerEnv
  })
}
