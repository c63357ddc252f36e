/** The connection on a client of `ioredis`. */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Cluster, Command, Redis } from "ioredis"
import type { Event, Service } from "./service.js"
import { checkAddress } from "./address.js"
import {
  isOfDatabase,
  isOfPassword,
  toConnectionError,
  toFirstError,
  toRedisError,
} from "./describeError.js"
import { DiscordRedisError } from "./RedisError.js"

type Client = Redis | Cluster
type WriteableStream = Parameters<Redis["sendCommand"]>[1]

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
  // Soon after the server is back, so that all processes are there before others start.
  retryStrategy: (attempts: number) => Math.min(attempts * 50, 500),
} as const

/** Keeps why there is no connection. */
class Attempts {
  /** The first error of the last attempt to connect: what follows it is a consequence. */
  problem: unknown
  #isNew = true

  watch(client: Client, onProblem: (error: unknown) => void = () => {}): void {
    client.on("connecting", () => {
      this.#isNew = true
    })
    client.on("ready", () => {
      this.problem = undefined
      this.#isNew = true
    })
    // Without a listener, `ioredis` writes errors to the console.
    client.on("error", (error: unknown) => {
      if (!this.#isNew || isOfPassword(error)) return
      this.#isNew = false
      this.problem = error
      onProblem(error)
    })
  }
}

/** Errors of commands at a connection, which `ioredis` writes to the console before it goes on. */
const ignored: Readonly<Record<string, readonly [pattern: RegExp, instead: string]>> = {
  // The server requires no password, or knows no users, since it is older than version 6.
  auth: [/no password is set|without any password configured|wrong number of arguments/, "OK"],
  // The user may not run `INFO`, which shows whether the server still loads its data.
  info: [/^NOPERM /, ""],
}

/** Goes on without the lines. A cluster makes clients of its own. */
function withoutWarnings<C extends Client>(client: C): C {
  if (client.isCluster) return client
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command: Command, stream?: WriteableStream) => {
    const found = ignored[command.name]
    if (found !== undefined) {
      const [pattern, instead] = found
      const reject = command.reject.bind(command)
      command.reject = (error) => {
        if (pattern.test(error.message)) command.resolve(instead)
        else reject(error)
      }
    }
    return send(command, stream)
  }
  return client
}

/**
 * Ends the time limit of a connection that has closed. Before version 6, `ioredis` goes on with it (its issue
 * 2147), so that it ends the next connection, and keeps the process alive.
 */
const endTimeLimit = (client: Client) => (): void => {
  if (!("socketTimeoutTimer" in client)) return
  // oxlint-disable-next-line typescript/no-unsafe-argument -- a private field has no type
  clearTimeout(client["socketTimeoutTimer"])
  client["socketTimeoutTimer"] = undefined
}

/** Connects, and reconnects until the scope closes. */
export function connect(url: string): Effect.Effect<Service, DiscordRedisError, Scope.Scope> {
  return Effect.gen(function* () {
    const fault = checkAddress(url)
    if (fault !== undefined) return yield* fault
    const ioredis = yield* Effect.promise(() => import("ioredis"))
    const client = yield* Effect.acquireRelease(
      Effect.try({
        try: () => withoutWarnings(new ioredis.Redis(url, options)),
        catch: toConnectionError,
      }),
      disconnect,
    )
    client.on("close", endTimeLimit(client))
    const attempts = new Attempts()
    attempts.watch(client, (error) => {
      if (isOfDatabase(error)) client.disconnect(true)
    })
    yield* Effect.tryPromise({
      try: () => client.connect(),
      catch: (error) => toFirstError(attempts.problem ?? error),
    })
    if (yield* Effect.promise(() => isPartOfCluster(client))) {
      return yield* new DiscordRedisError({
        reason: "invalid",
        detail:
          "the address is that of one node of a cluster: use RedisConnection.layerClient with a Cluster of ioredis",
      })
    }
    return fromRedis(client, attempts)
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

/** The connection on a client of the program. */
export function fromClient(client: Client): Effect.Effect<Service, never, Scope.Scope> {
  const end = endTimeLimit(client)
  return Effect.acquireRelease(
    Effect.sync(() => {
      client.on("close", end)
      return fromRedis(client)
    }),
    () => Effect.sync(() => client.off("close", end)),
  )
}

/** `own` knows why a client of ours has no connection. */
export function fromRedis(client: Client, own?: Attempts): Service {
  const attempts = own ?? new Attempts()
  return {
    eval: (script, keys, args) =>
      Effect.tryPromise({
        try: () => runScript(client, script, keys, args),
        catch: (error) => toRedisError(error, attempts.problem),
      }),
    subscribe: (channel) =>
      Stream.asyncPush<Event | DiscordRedisError, DiscordRedisError>((emit) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const subscriber = withoutWarnings(client.duplicate())
            const watched = own === undefined ? attempts : new Attempts()
            let isRejected = false
            watched.watch(subscriber, (error) => {
              const described = toConnectionError(error)
              if (isRejected || described.reason === "unavailable") return
              isRejected = true
              emit.single(described)
            })
            subscriber.on("message", (_channel: string, message: string) =>
              emit.single({ _tag: "Message", message }),
            )
            subscriber.on("ready", () => {
              isRejected = false
              subscriber.subscribe(channel).then(
                () => emit.single({ _tag: "Subscribed" }),
                (error: unknown) => {
                  // The user lacks the right, which it may get: the limiter subscribes again. A lost connection
                  // comes back by itself.
                  const described = toRedisError(error)
                  if (described.reason === "denied") emit.fail(described)
                },
              )
            })
            if (subscriber.status === "wait") subscriber.connect().catch(() => {})
            subscriber.on("close", endTimeLimit(subscriber))
            const reconnect = () => {
              // It sends nothing, so it does not notice that its server is gone. While it looks for the address,
              // with Sentinel or in a cluster, it would end for good.
              const { status } = subscriber
              if (status === "connect" || status === "ready") subscriber.disconnect(true)
            }
            client.on("close", reconnect)
            return { reconnect, subscriber }
          }),
          ({ reconnect, subscriber }) => {
            client.off("close", reconnect)
            return disconnect(subscriber)
          },
        ),
      ).pipe(
        // Somebody has to repair it, and the command that failed first did not know it.
        Stream.tap((event) =>
          event._tag === "DiscordRedisError"
            ? Effect.logWarning("Shared limits: the connection is rejected", event.message)
            : Effect.void,
        ),
        Stream.filter((event) => event._tag !== "DiscordRedisError"),
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
