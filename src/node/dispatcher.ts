/** Builds the undici dispatcher, with or without a proxy. */
import { Agent, EnvHttpProxyAgent, ProxyAgent, buildConnector } from "@effect/platform-node/Undici"
import type { Dispatcher } from "@effect/platform-node/Undici"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import { Duplex } from "node:stream"

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

/** Hosts that a proxy of the environment is not used for, as in Go: it could not reach them. */
const loopback = ["localhost", "127.0.0.1", "[::1]"]

export const makeDispatcher = (
  options: Options,
): Effect.Effect<Dispatcher, DiscordConfigurationError, Scope.Scope> =>
  options.dispatcher === undefined
    ? Effect.acquireRelease(
        Effect.suspend(() => (hasUndici() ? own(options) : noUndici())),
        ({ connector, dispatcher }) =>
          Effect.promise(() => {
            const destroyed = dispatcher.destroy()
            connector.close()
            return destroyed
          }),
      ).pipe(Effect.map(({ dispatcher }) => dispatcher))
    : Effect.succeed(options.dispatcher)

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

interface Own {
  readonly dispatcher: Dispatcher
  readonly connector: Connector
}

function own(options: Options): Effect.Effect<Own, DiscordConfigurationError> {
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
        : made("HTTPS_PROXY, HTTP_PROXY", () => new EnvHttpProxyAgent({ ...agent, ...found })),
    )
  }
  const url = Redacted.isRedacted(proxy) ? Redacted.value(proxy) : proxy
  return made("proxy", () => new ProxyAgent({ ...agent, uri: withScheme(url) }))
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
function made(
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
