/**
 * The same job on BullMQ: one queue, since a queue for each webhook in order ("groups") is not part of its
 * free version; a worker of the same concurrency that sends with this SDK; attempts with backoff.
 */
import { Queue, Worker } from "bullmq"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../../src/index.js"
import { NodeDiscord } from "../../../src/node/index.js"
import type { Target } from "../discord.js"
import { serve } from "../system.js"
import type { Setup, System } from "../system.js"

interface Job {
  readonly target: Target
  readonly content: string
}

async function open({ baseUrl, lease, port, prefix }: Setup): Promise<System> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null }
  const queue = new Queue<Job>(prefix, { connection })
  await queue.waitUntilReady()
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(
      NodeDiscord.layerHttpClient,
      RateLimiter.layerWith({ globalLimit: 1_000_000 }),
      Strategy.layerAdaptive,
      RestConfig.layerWith({ baseUrl }),
      Logger.minimumLogLevel(LogLevel.None),
    ),
  )
  const hooks = new Map<string, Webhook.Webhook>()
  const hookOf = async (target: Target): Promise<Webhook.Webhook> => {
    const known = hooks.get(target.id)
    if (known !== undefined) return known
    const hook = await runtime.runPromise(Webhook.make(target))
    hooks.set(target.id, hook)
    return hook
  }
  let worker: Worker<Job> | undefined
  let sent = 0
  return {
    add: async (target, content, key) => {
      await queue.add(
        "send",
        { target, content },
        {
          attempts: 20,
          backoff: { type: "exponential", delay: 1000 },
          ...(key === undefined ? {} : { jobId: key }),
        },
      )
    },
    work: async (concurrency) => {
      worker = new Worker<Job>(
        prefix,
        async ({ data }) => {
          const { id } = await runtime.runPromise(
            Webhook.send(await hookOf(data.target), { content: data.content }),
          )
          return id
        },
        {
          connection,
          concurrency,
          lockDuration: lease,
          stalledInterval: lease,
          // By default a job is given up when its worker dies for the second time.
          maxStalledCount: 1000,
        },
      )
      worker.on("completed", () => {
        sent += 1
      })
      // Without a listener, an error of the connection would end the process.
      worker.on("error", () => {})
      await worker.waitUntilReady()
    },
    sent: () => sent,
    commits: () => undefined,
    state: async () => {
      const counts = await queue.getJobCounts(
        "waiting",
        "active",
        "delayed",
        "prioritized",
        "failed",
      )
      const { failed = 0, ...pending } = counts
      return {
        pending: Object.values(pending).reduce((sum, count) => sum + count, 0),
        dead: failed,
        inDoubt: [],
      }
    },
    close: async () => {
      await worker?.close()
      await queue.close()
      await runtime.dispose()
    },
  }
}

serve(open)
