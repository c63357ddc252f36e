/** The connection on a client of `ioredis`. */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Cluster, Redis } from "ioredis"
import type { Event, Service } from "./service.js"
import { DiscordRedisError, type Reason } from "./RedisError.js"
import { parseUrl } from "../model/parseUrl.js"

type Client = Redis | Cluster

/** A command fails while there is no connection: the limiter decides how long requests wait. */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // The address may lead to another server by now: this one has become a replica, or is gone without a word.
  reconnectOnError: (error: Error) => /(^|-)READONLY /.test(error.message),
  socketTimeout: 5000,
  keepAlive: 10_000,
} as const

/** Connects, and reconnects until the scope closes. */
export function connect(url: string): Effect.Effect<Redis, DiscordRedisError, Scope.Scope> {
  return Effect.gen(function* () {
    if (!isAddress(url)) return yield* makeInvalidAddress()
    const ioredis = yield* Effect.promise(() => import("ioredis"))
    const client = yield* Effect.acquireRelease(
      Effect.try({ try: () => new ioredis.Redis(url, options), catch: toRedisError }),
      disconnect,
    )
    let cause: unknown
    // Without a listener, `ioredis` writes errors to the console.
    client.on("error", (error: unknown) => {
      cause = error
    })
    yield* Effect.tryPromise({
      try: () => client.connect(),
      catch: (error) => toRedisError(cause ?? error),
    })
    if (yield* Effect.promise(() => isPartOfCluster(client))) {
      return yield* new DiscordRedisError({
        reason: "invalid",
        detail:
          "the address is that of one node of a cluster: use RedisConnection.layerClient with a Cluster of ioredis",
      })
    }
    return client
  })
}

/** Whether other nodes have a part of the keys, which this client does not reach. */
async function isPartOfCluster(client: Redis): Promise<boolean> {
  try {
    return /cluster_size:(?![01]\b)/.test(await client.cluster("INFO"))
  } catch {
    // It is no cluster, or has no such command.
    return false
  }
}

/** `ioredis` takes anything else for the path of a socket, and shows it in errors, with the password. */
function isAddress(url: string): boolean {
  if (!/^rediss?:\/\//.test(url)) return /^\/[^/]/.test(url)
  const parsed = parseUrl(url)
  // A path that is no number of a database would end the process, outside of any effect.
  return parsed !== undefined && /^\/?(?:\d|$)/.test(parsed.pathname)
}

/** Without the address, which contains a password. */
function makeInvalidAddress(): DiscordRedisError {
  return new DiscordRedisError({
    reason: "invalid",
    detail:
      "expected an address like redis://user:password@host:6379/0 or rediss://host, or the path of a socket; special characters of the password are percent-encoded",
  })
}

export function fromRedis(client: Client): Service {
  return {
    eval: (script, keys, args) =>
      Effect.tryPromise({ try: () => runScript(client, script, keys, args), catch: toRedisError }),
    subscribe: (channel) =>
      Stream.asyncPush<Event>((emit) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const subscriber = client.duplicate()
            subscriber.on("error", () => {})
            subscriber.on("message", (_channel: string, message: string) =>
              emit.single({ _tag: "Message", message }),
            )
            subscriber.on("ready", () => {
              subscriber.subscribe(channel).then(
                () => emit.single({ _tag: "Subscribed" }),
                () => {},
              )
            })
            if (subscriber.status === "wait") subscriber.connect().catch(() => {})
            // It sends nothing, so it does not notice that its server is gone.
            const reconnect = () => subscriber.disconnect(true)
            client.on("close", reconnect)
            return { reconnect, subscriber }
          }),
          ({ reconnect, subscriber }) => {
            client.off("close", reconnect)
            return disconnect(subscriber)
          },
        ),
      ),
  }
}

function disconnect(client: Client): Effect.Effect<void> {
  return Effect.sync(() => client.disconnect())
}

const hashes = new Map<string, string>()

/** Redis caches scripts by their hash until it restarts. */
async function runScript(
  client: Client,
  script: string,
  keys: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
): Promise<unknown> {
  let hash = hashes.get(script)
  if (hash === undefined) {
    hash = createHash("sha1").update(script).digest("hex")
    hashes.set(script, hash)
  }
  try {
    return await client.evalsha(hash, keys.length, ...keys, ...args)
  } catch (error) {
    if (!isReply(error, "NOSCRIPT")) throw error
    return await client.eval(script, keys.length, ...keys, ...args)
  }
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `)
}

/** The first word of an error. Before version 7, that of an error in a script comes after where it occurred. */
const errorCode = /^(?:ERR Error running script .*: -?)?([A-Z]+) /

/** Errors that concern more than one command. */
const reasons: Readonly<Record<string, Reason>> = {
  NOAUTH: "denied",
  WRONGPASS: "denied",
  NOPERM: "denied",
  LOADING: "unavailable",
  OOM: "unavailable",
  MISCONF: "unavailable",
  READONLY: "unavailable",
  MASTERDOWN: "unavailable",
  CLUSTERDOWN: "unavailable",
  TRYAGAIN: "unavailable",
  BUSY: "unavailable",
}

function toRedisError(error: unknown): DiscordRedisError {
  const detail = error instanceof Error ? error.message : String(error)
  const isFromServer = error instanceof Error && error.name === "ReplyError"
  const code = errorCode.exec(detail)?.[1] ?? ""
  const reason = reasons[code] ?? (isFromServer ? "rejected" : "unavailable")
  return new DiscordRedisError({ reason, detail })
}
