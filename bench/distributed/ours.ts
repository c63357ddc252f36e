/** A process of this SDK, with limits that it shares or with limits of its own. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { RedisConnection, RedisRateLimiter } from "../../src/redis/index.js"
import { serve } from "./sender.js"
import type { Send, Setup } from "./sender.js"

/** Without the global limit, which the simulated Discord does not have. */
const globalLimit = 1_000_000

async function open({ baseUrl, name, prefix, redisPort, targets, warmUp }: Setup): Promise<Send> {
  const limiter =
    name === "separate"
      ? RateLimiter.layerWith({ globalLimit })
      : RedisRateLimiter.layer({ prefix, globalLimit }).pipe(
          Layer.provide(RedisConnection.layer(`redis://127.0.0.1:${redisPort}`)),
        )
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(
      NodeDiscord.layerHttpClient,
      limiter,
      Strategy.layerAdaptive,
      RestConfig.layerWith({ baseUrl }),
      // Faults cause warnings, which are not part of the result.
      Logger.minimumLogLevel(LogLevel.None),
    ),
  )
  const hooks = new Map<string, Webhook.Webhook>()
  for (const target of [...targets, ...warmUp]) {
    hooks.set(target.id, await runtime.runPromise(Webhook.make(target)))
  }
  return ({ id }, content) => {
    const hook = hooks.get(id)
    if (hook === undefined) throw new Error(`there is no webhook ${id}`)
    return runtime.runPromise(Effect.asVoid(Webhook.send(hook, { content })))
  }
}

serve(open)
