/** Webhooks of one channel share a limit that no header shows; here, processes send to them. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { expect, it } from "vitest"
import { isThorough, runs } from "../../support/laws.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { makeWorld, type World } from "./World.js"
import { adaptive } from "../model/policies.js"

/** Seeds of the random delays and losses: one while typing, all of them in CI. */
const seeds = (count: number) => Array.from({ length: runs(count) }, (_, index) => index + 1)

const messages = 150
/** 150 messages at 30 per minute: the last 30 are sent when the fifth window opens, after 4 minutes. */
const optimum = 240_000

interface Play {
  readonly webhooks: number
  readonly processes: number
  /** Whether each process uses a webhook of its own. */
  readonly hasOwnWebhook?: boolean
  readonly seed?: number
  readonly loss?: number
  /** Runs beside the messages. */
  readonly disturb?: (world: World) => Effect.Effect<void>
}

const play = ({ disturb, hasOwnWebhook = false, loss = 0, processes, seed = 1, webhooks }: Play) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({
      processes,
      policy: adaptive,
      faults: { delay: 4, loss },
      server: { channel: { limit: 30, window: 60_000 } },
    })
    if (disturb !== undefined) yield* Effect.forkScoped(disturb(world))
    const fibers: Array<Fiber.RuntimeFiber<void, unknown>> = []
    for (let index = 0; index < messages; index += 1) {
      const process = world.processes[index % processes]!
      const webhook = (hasOwnWebhook ? index % processes : index) % webhooks
      fibers.push(yield* process.send(String(webhook), String(index)))
      yield* Effect.sleep(7)
    }
    yield* Fiber.joinAll(fibers)
    const { calls } = world.store
    return {
      refused: world.server.refused,
      accepted: world.server.accepted,
      // `join` asks for a turn (the right to send); `pass` stores the state, and keeps or gives up the turn.
      calls: (calls.get("join") ?? 0) + (calls.get("pass") ?? 0),
    }
  }).pipe(
    Effect.scoped,
    Effect.withRandom(Random.make(seed)),
    Logger.withMinimumLogLevel(LogLevel.None),
    (program) => VirtualClock.runPromise(program),
  )

it("one process learns the limit of a webhook for all of them", async () => {
  for (const seed of seeds(3)) {
    const { elapsed, value } = await play({ webhooks: 1, processes: 3, seed })
    expect(value.accepted).toBe(messages)
    expect(value.refused).toBeLessThanOrEqual(1)
    expect(elapsed).toBeLessThanOrEqual(1.1 * optimum)
  }
})

const situations: ReadonlyArray<Play> = [
  { webhooks: 3, processes: 2 },
  { webhooks: 2, processes: 2, hasOwnWebhook: true },
  { webhooks: 3, processes: 4 },
  { webhooks: 5, processes: 3 },
  { webhooks: 4, processes: 4, hasOwnWebhook: true },
]

it.each(isThorough ? situations : situations.slice(0, 2))(
  "webhooks of one channel get few 429s, and lose no time: %o",
  async (options) => {
    for (const seed of seeds(3)) {
      const { elapsed, value } = await play({ ...options, seed })
      expect(value.accepted).toBe(messages)
      // One for each webhook, as in one process. Each process counted only its own messages, so the combined limit
      // may be too low; up to three more find the real one.
      expect(value.refused).toBeLessThanOrEqual(options.webhooks + 3)
      expect(elapsed).toBeLessThanOrEqual(1.05 * optimum)
    }
  },
)

it("a channel that one process uses costs a join, and a renewal of the turn each minute", async () => {
  const joins: Array<number> = []
  const { value } = await play({
    webhooks: 3,
    processes: 1,
    disturb: ({ server, store }) =>
      Effect.repeat(
        Effect.sync(() => {
          if (server.refused === 0) joins.push(store.calls.get("join") ?? 0)
        }),
        Schedule.spaced(10).pipe(Schedule.whileOutput(() => server.refused === 0)),
      ).pipe(Effect.asVoid),
  })
  // Before a hidden limit is known, only one for each webhook.
  expect(Math.max(...joins)).toBe(3)
  // Three webhooks and the channel: a join, and at most five saves.
  expect(value.calls).toBeLessThanOrEqual(4 * (1 + 5))
})

it.each<[string, number, NonNullable<Play["disturb"]>]>([
  ["loses all notifications to processes", 1, () => Effect.void],
  [
    "restarts empty",
    0,
    ({ store }) =>
      Effect.delay(
        Effect.sync(() => store.restart()),
        61_000,
      ),
  ],
  [
    "is unavailable for 20 seconds",
    0,
    ({ store }) =>
      Effect.sync(() => (store.isAway = true)).pipe(
        Effect.zipRight(Effect.sleep(20_000)),
        Effect.zipRight(Effect.sync(() => (store.isAway = false))),
        Effect.delay(59_000),
      ),
  ],
  [
    "waits for a process that stands still",
    0,
    ({ processes: [first] }) =>
      Effect.sync(() => first?.clock.freeze()).pipe(
        Effect.zipRight(Effect.sleep(40_000)),
        Effect.zipRight(Effect.sync(() => first?.clock.thaw())),
        Effect.delay(61_000),
      ),
  ],
])("every message is sent while the store %s", async (_, loss, disturb) => {
  for (const seed of seeds(2)) {
    const { elapsed, value } = await play({ webhooks: 3, processes: 2, seed, loss, disturb })
    expect(value.accepted).toBe(messages)
    expect(value.refused).toBeLessThanOrEqual(10)
    // Without notifications a process learns only by polling that it has the turn; after a restart, one window
    // may pass before the limit is known again.
    expect(elapsed).toBeLessThanOrEqual(3 * optimum)
  }
})
