/**
 * A `TurnStore` in Redis. A turn is the right of one process to send the requests of a webhook; `store.ts` explains
 * it and its other terms.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import { StoreError, type TurnCall, type TurnStore } from "../ratelimit/distributed/store.js"
import type { Service } from "./service.js"
import type { DiscordRedisError } from "./RedisError.js"
import { toLostAt, toMessage, toPresence, toReply, toReports } from "./replies.js"
import { calls, failedCalls, labels } from "./RedisMetrics.js"
import * as scripts from "./scripts.js"

/** Part of every key, so that versions with different formats do not read each other's keys. */
const keyVersion = 1

/**
 * How long the time is kept at which Redis last lost its data. Each process renews it whenever it first uses a webhook,
 * which is likely to be more often.
 */
const dataLossKept = Duration.toMillis("100 days")

const names = new Map(Object.entries(scripts).map(([name, script]) => [script, name]))

const count = (metric: typeof calls, script: string): Effect.Effect<void> =>
  Metric.increment(Metric.tagged(metric, labels.call, names.get(script) ?? "other"))

export function makeRedisStore(redis: Service, prefix: string): TurnStore {
  const root = `${prefix}:${keyVersion}`
  const channel = `${root}:to:`
  const channels = `${channel.replaceAll(/[*?[\]\\^-]/g, String.raw`\$&`)}*`
  const processKeys = (process: string) => {
    const key = `{${root}:process:${process}}`
    return [key, `${key}:asked`]
  }
  const run = (script: string, keys: ReadonlyArray<string>, args: ReadonlyArray<string>) =>
    redis.eval(script, keys, args).pipe(
      Effect.tapBoth({
        onFailure: () => Effect.zipRight(count(calls, script), count(failedCalls, script)),
        onSuccess: () => count(calls, script),
      }),
      Effect.mapError(toStoreError),
    )
  const runForWebhook = (
    script: string,
    { key, process, ttl }: TurnCall,
    args: ReadonlyArray<string>,
  ) => {
    const hash = `{${root}:${key}}`
    return run(script, [hash, `${hash}:queue`], [process, String(ttl), channel, key, ...args])
  }
  const callForReply = (...call: Parameters<typeof runForWebhook>) =>
    Effect.flatMap(runForWebhook(...call), toReply)
  return {
    join: (call) => callForReply(scripts.join, call, call.sequences.map(String)),
    pass: (call) =>
      callForReply(scripts.pass, call, [String(call.turnNumber), call.state, call.how]),
    takeOver: (call) => callForReply(scripts.takeOver, call, [String(call.turnNumber), call.owner]),
    withdraw: (call) =>
      Effect.asVoid(runForWebhook(scripts.withdraw, call, [String(call.usedTurnNumber)])),
    refresh: (process, lease) =>
      Effect.flatMap(run(scripts.refresh, processKeys(process), [String(lease)]), toPresence),
    lostAt: (hasCalled) =>
      Effect.flatMap(
        run(
          scripts.lostAt,
          [`{${root}:lost}`],
          [String(dataLossKept), channels, hasCalled ? "1" : ""],
        ),
        toLostAt,
      ),
    ask: (process, key) =>
      Effect.map(run(scripts.ask, processKeys(process), [key]), (reply) => reply === 1),
    readReports: (address) =>
      Effect.flatMap(run(scripts.readReports, [`${root}:address:${address}`], []), toReports),
    writeReport: (address, { process, remove, text, ttl, version }) =>
      Effect.map(
        run(
          scripts.writeReport,
          [`${root}:address:${address}`],
          [version, String(ttl), process, text, ...remove],
        ),
        (reply) => reply === 1,
      ),
    leave: (process) => Effect.asVoid(run(scripts.leave, processKeys(process), [])),
    messages: (process) =>
      redis
        .subscribe(`${channel}${process}`)
        .pipe(Stream.mapError(toStoreError), Stream.filterMap(toMessage)),
  }
}

function toStoreError(cause: DiscordRedisError): StoreError {
  return new StoreError({ isLocal: cause.reason === "rejected", detail: cause.message, cause })
}
