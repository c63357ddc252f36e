/** The outbox in memory before a simulated Discord, on a virtual clock. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import type { Webhook } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import * as VirtualClock from "../support/VirtualClock.js"

/** Discord alone; the program provides its own outbox. */
export const inWorld = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  simulator: DiscordSimulator.Options = {},
) =>
  VirtualClock.run(
    Effect.provide(
      program,
      Layer.mergeAll(
        DiscordSimulator.layerTestWith(simulator),
        RateLimiter.layerMemory,
        Strategy.layerProactive,
        RestConfig.layerWith({ timeout: "5 seconds" }),
      ),
    ),
  )

/** Discord, the outbox, and a worker until the scope closes. */
export const withOutbox = <A, E, R>(
  program: (simulator: DiscordSimulator.Service) => Effect.Effect<A, E, R>,
  setting: {
    readonly worker?: Outbox.WorkerOptions
    readonly outbox?: Outbox.Options
    readonly simulator?: DiscordSimulator.Options
  } = {},
) =>
  inWorld(
    Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
      program(simulator).pipe(
        Effect.provide(
          Outbox.worker(setting.worker).pipe(
            Layer.provideMerge(Outbox.layerMemory(setting.outbox)),
          ),
        ),
      ),
    ),
    setting.simulator,
  )

/** Collects the log, which else goes to the console. */
export const logsOf = <A, E, R>(
  program: Effect.Effect<A, E, R>,
): Effect.Effect<readonly [A, ReadonlyArray<string>], E, R> => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => {
    lines.push(...[message].flat().map(String))
  })
  return program.pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
    Effect.map((value) => [value, lines] as const),
  )
}

/** Stores messages whose contents are numbers, and returns the ids of their entries. */
export const sendMany = (hook: Webhook.Webhook, count: number, options?: Outbox.EntryOptions) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => Outbox.send(hook, { content: String(index) }, options),
  )
