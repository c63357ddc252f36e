/**
 * Layers with everything a program on Node needs to send to Discord.
 *
 * @since 0.1.0
 * @module
 */
import { Duplex } from "node:stream"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Agent, EnvHttpProxyAgent, ProxyAgent, buildConnector } from "@effect/platform-node/Undici"
import type { Dispatcher } from "@effect/platform-node/Undici"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as DiscordConfig from "../config/DiscordConfig.js"
import { fileVariable } from "../config/keys.js"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import * as RateLimiter from "../ratelimit/RateLimiter.js"
import * as Strategy from "../ratelimit/Strategy.js"
import * as client from "./client.js"

/**
 * Options of the connections to Discord.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Maximum number of sockets per host; further requests queue. Default: 64. */
  readonly connections?: number | undefined
  /**
   * How long an idle socket waits for the next message. Default: 30 seconds, so a message every few
   * seconds does not pay for a TLS handshake each time, yet well below the minutes after which
   * Discord's edge hangs up: a POST on a socket that is just being closed could not be retried.
   */
  readonly keepAlive?: Duration.DurationInput | undefined
  /** Timeout for establishing a connection. Default: 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * The URL of the proxy for every request, with user and password if it needs them. Default: `HTTPS_PROXY`
   * (or else `HTTP_PROXY`) and `NO_PROXY` of the `ConfigProvider`, in lower or upper case; loopback
   * addresses bypass that proxy. `false` disables proxies.
   */
  readonly proxy?: string | Redacted.Redacted | false | undefined
  /**
   * An undici dispatcher of your own, such as an agent with client certificates. The layer does not
   * close it, and the other options do not apply.
   */
  readonly dispatcher?: Dispatcher | undefined
}

/** Read if it exists. */
const defaultConfigFile = "discord.yaml"

/** A proxy that the environment names is not used for these hosts, as in Go, because it could not reach them. */
const loopback = ["localhost", "127.0.0.1", "[::1]"]

/**
 * An `HttpClient` on undici, tuned for webhooks: sockets stay open between messages, their number is
 * bounded, and no redirect is followed, because the URL is the credential. A proxy that the
 * environment names is used (`proxy`).
 *
 * Fails with a `DiscordConfigurationError` if the setting of a proxy is not a URL, and on a runtime without
 * undici, such as Bun, where `FetchHttpClient.layer` takes its place.
 *
 * With this client, the SDK calls undici directly, without the overhead of `HttpClient`
 * (`npm run bench:cost`). Wrapped by `HttpClient.mapRequest` or the like, it is used as any other client.
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
  options: Options,
): Layer.Layer<HttpClient.HttpClient, DiscordConfigurationError> =>
  Layer.scoped(HttpClient.HttpClient, Effect.map(makeDispatcher(options), client.makeClient))

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
 * The services of {@link layer}, with settings from outside the program. They come from the environment
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

/** The file that the variable names, else the default file if it exists, else the environment alone. */
function configuredLayer(): Effect.Effect<
  ReturnType<typeof DiscordConfig.layerFile>,
  never,
  FileSystem.FileSystem
> {
  return Effect.gen(function* () {
    const named = yield* Config.nonEmptyString(fileVariable).pipe(Effect.option)
    if (Option.isSome(named)) return DiscordConfig.layerFile(named.value)
    const files = yield* FileSystem.FileSystem
    // If this cannot be checked, reading the file reports the reason.
    const isThere = yield* Effect.orElseSucceed(files.exists(defaultConfigFile), () => true)
    return isThere ? DiscordConfig.layerFile(defaultConfigFile) : DiscordConfig.layerEnv
  })
}

/** Builds the undici dispatcher, with or without a proxy. */
function makeDispatcher(
  options: Options,
): Effect.Effect<Dispatcher, DiscordConfigurationError, Scope.Scope> {
  return options.dispatcher === undefined
    ? Effect.acquireRelease(
        Effect.suspend(() => (hasUndici() ? makeOwnDispatcher(options) : noUndici())),
        ({ connector, dispatcher }) =>
          Effect.promise(() => {
            const destroyed = dispatcher.destroy()
            connector.close()
            return destroyed
          }),
      ).pipe(Effect.map(({ dispatcher }) => dispatcher))
    : Effect.succeed(options.dispatcher)
}

/** Bun has a module named undici whose dispatchers do nothing. */
function hasUndici(): boolean {
  return typeof Reflect.get(Agent.prototype, "dispatch") === "function"
}

function noUndici(): DiscordConfigurationError {
  return mistake(
    "NodeDiscord",
    "this runtime has no undici, as Node has; provide FetchHttpClient.layer of @effect/platform, RateLimiter.layer and a Strategy instead",
  )
}

interface OwnDispatcher {
  readonly dispatcher: Dispatcher
  readonly connector: Connector
}

function makeOwnDispatcher(
  options: Options,
): Effect.Effect<OwnDispatcher, DiscordConfigurationError> {
  const timeout = Duration.toMillis(options.connectTimeout ?? "10 seconds")
  const connector = makeConnector(timeout)
  const agent = {
    connections: options.connections ?? 64,
    keepAliveTimeout: Duration.toMillis(options.keepAlive ?? "30 seconds"),
    connect: connector.connect,
    // Through a proxy there are two connections, each with options of its own.
    proxyTls: { timeout },
    requestTls: { timeout },
  }
  return Effect.map(dispatcherOf(options.proxy, agent), (dispatcher) => ({ dispatcher, connector }))
}

function dispatcherOf(
  proxy: Options["proxy"],
  agent: Agent.Options & Pick<ProxyAgent.Options, "proxyTls" | "requestTls">,
): Effect.Effect<Dispatcher, DiscordConfigurationError> {
  const direct = Effect.sync(() => new Agent(agent))
  if (proxy === false) return direct
  if (proxy === undefined) {
    return Effect.flatMap(fromEnvironment(), (found) =>
      found === undefined
        ? direct
        : tryDispatcher(
            "HTTPS_PROXY, HTTP_PROXY",
            () => new EnvHttpProxyAgent({ ...agent, ...found }),
          ),
    )
  }
  const url = Redacted.isRedacted(proxy) ? Redacted.value(proxy) : proxy
  return tryDispatcher("proxy", () => new ProxyAgent({ ...agent, uri: withScheme(url) }))
}

interface Proxies {
  readonly httpProxy: string
  readonly httpsProxy: string
  readonly noProxy: string
}

function fromEnvironment(): Effect.Effect<Proxies | undefined> {
  return Effect.gen(function* () {
    const httpProxy = withScheme(yield* variable("HTTP_PROXY"))
    const httpsProxy = withScheme(yield* variable("HTTPS_PROXY"))
    if (httpProxy === "" && httpsProxy === "") return undefined
    const excluded = yield* variable("NO_PROXY")
    const noProxy = excluded.trim() === "*" ? "*" : [excluded, ...loopback].join(",")
    return { httpProxy, httpsProxy, noProxy }
  })
}

/** Reads a variable as `curl` does: the lower-case name takes precedence. */
function variable(name: string): Effect.Effect<string> {
  return Config.redacted(name.toLowerCase()).pipe(
    Config.orElse(() => Config.redacted(name)),
    Effect.option,
    Effect.map(Option.match({ onNone: () => "", onSome: Redacted.value })),
  )
}

function withScheme(proxy: string): string {
  return proxy === "" || proxy.includes("://") ? proxy : `http://${proxy}`
}

/** Drops undici's error, because the URL of a proxy may contain a password. */
function tryDispatcher(
  place: string,
  construct: () => Dispatcher,
): Effect.Effect<Dispatcher, DiscordConfigurationError> {
  return Effect.try({
    try: construct,
    catch: () =>
      mistake(place, "expected the URL of a proxy, such as http://proxy.example.com:3128"),
  })
}

function mistake(place: string, message: string): DiscordConfigurationError {
  return new DiscordConfigurationError({ mistakes: [{ key: "", place, message }] })
}

interface Connector {
  readonly connect: buildConnector.connector
  /** Destroys sockets that are still connecting; undici's dispatcher closes the others. */
  readonly close: () => void
}

/** `timeout` is in milliseconds. */
function makeConnector(timeout: number): Connector {
  const connecting = new Set<Duplex>()
  const connect = buildConnector({ timeout })
  return {
    connect: (options, callback) => {
      // undici returns the socket, which its types omit.
      const socket: unknown = connect(options, (...result) => {
        if (isSocket(socket)) connecting.delete(socket)
        callback(...result)
      })
      if (isSocket(socket)) connecting.add(socket)
    },
    close: () => {
      for (const socket of connecting) socket.destroy(new Error("the layer is closed"))
    },
  }
}

function isSocket(value: unknown): value is Duplex {
  return value instanceof Duplex
}
