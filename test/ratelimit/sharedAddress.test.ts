/** Other clients behind the same IP address leave less of the global limit than is assumed. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { GlobalLimiter } from "../../src/ratelimit/internal/globalLimiter.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { contents, within } from "../scenarios/harness.js"
import { runs } from "../support/laws.js"

const assumed = 50
const second = 1000

/** Sends 150 messages through 10 webhooks; returns the number of global 429 responses. */
const drain = (strategy: Layer.Layer<Strategy.Strategy>) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const webhooks = yield* Effect.replicateEffect(simulator.createWebhook(), 10)
    // The first window of 25 is full at once, and the sixth begins 5 seconds later.
    yield* within(
      "5.5 seconds",
      Effect.forEach(
        webhooks,
        ({ url }) =>
          Effect.flatMap(Webhook.fromUrl(url), (hook) =>
            Effect.forEach(
              Array.from({ length: 15 }, (_, at) => String(at)),
              (content) => Webhook.send(hook, { content }),
            ),
          ),
        { concurrency: "unbounded" },
      ),
    )
    for (const made of webhooks) {
      const texts = contents(yield* simulator.messages(made))
      expect(texts).toEqual(texts.map((_, at) => String(at)))
    }
    return (yield* simulator.statistics).limited.global
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        DiscordSimulator.layerTestWith({
          globalLimit: 25,
          limits: { execute: "none" },
          latency: "20 millis",
        }),
        RateLimiter.layerMemory,
        strategy,
      ),
    ),
  )

describe("a global limit that others share", () => {
  it.effect(
    "costs the adaptive strategy one 429 for each request in flight, and then nothing",
    () =>
      Effect.gen(function* () {
        expect(yield* drain(Strategy.layerAdaptive)).toBeLessThanOrEqual(10)
      }),
  )

  it.effect("is not learned by other strategies", () =>
    Effect.gen(function* () {
      expect(yield* drain(Strategy.layerProactive)).toBeGreaterThan(20)
    }),
  )
})

interface World {
  /** Senders, each with one request in flight. */
  readonly webhooks: number
  readonly roundTrip: number
  /** The server's clock at the start, within a second. */
  readonly phase: number
  /** Requests per second that the others leave, at a time. */
  readonly share: (now: number) => number
  /** Whether the server counts by its seconds, or in any interval of a second. */
  readonly isSliding: boolean
}

/** Counts accepted requests, and rejects the others until it has a slot. */
class Server {
  readonly #world: World
  readonly #accepted: Array<number> = []

  constructor(world: World) {
    this.#world = world
  }

  /** The delay of a 429; `undefined` if the request is accepted. */
  handle(now: number): number | undefined {
    const { isSliding, phase, share } = this.#world
    const start = isSliding ? now - second : now - ((now + phase) % second)
    const counted = this.#accepted.filter((at) => (isSliding ? at > start : at >= start))
    if (counted.length < share(now)) {
      this.#accepted.push(now)
      return undefined
    }
    const oldest = counted[counted.length - share(now)] ?? now
    return (isSliding ? oldest : start) + second - now
  }
}

interface Traffic {
  readonly sentAt: ReadonlyArray<number>
  readonly acceptedAt: ReadonlyArray<number>
  readonly rejectedAt: ReadonlyArray<number>
}

/** Sends as fast as the limiter permits, for so many milliseconds. */
function send(world: World, duration: number): Traffic {
  const limiter = new GlobalLimiter([{ limit: assumed, window: second }])
  const server = new Server(world)
  const sentAt: Array<number> = []
  const acceptedAt: Array<number> = []
  const rejectedAt: Array<number> = []
  const inFlight: Array<{ readonly sentAt: number; readonly delay: number | undefined }> = []
  for (let now = 0; now < duration; now += 1) {
    while (inFlight[0] !== undefined && inFlight[0].sentAt + world.roundTrip <= now) {
      const request = inFlight.shift()!
      const { delay } = request
      ;(delay === undefined ? acceptedAt : rejectedAt).push(request.sentAt)
      if (delay !== undefined) limiter.block("global", delay, request.sentAt, now)
      limiter.onSettled(request, delay === undefined, "webhook")
    }
    while (inFlight.length < world.webhooks && limiter.availableAt("webhook", true) <= now) {
      const request = { sentAt: now, delay: server.handle(now) }
      limiter.recordSend(request, now, "webhook")
      sentAt.push(now)
      inFlight.push(request)
    }
  }
  return { acceptedAt, rejectedAt, sentAt }
}

const between = (times: ReadonlyArray<number>, start: number, end: number) =>
  times.filter((at) => at >= start && at < end).length

const worlds = FastCheck.record({
  // Enough for 50 a second at every round trip.
  webhooks: FastCheck.integer({ min: 12, max: 30 }),
  roundTrip: FastCheck.integer({ min: 1, max: 200 }),
  phase: FastCheck.integer({ min: 0, max: second - 1 }),
  left: FastCheck.integer({ min: 5, max: 40 }),
  isSliding: FastCheck.boolean(),
})

describe("the estimate of the global limit", () => {
  it("exceeds no second of the configured limit, whatever the others leave", () => {
    FastCheck.assert(
      FastCheck.property(
        worlds,
        FastCheck.infiniteStream(FastCheck.integer({ min: 1, max: assumed })),
        (world, stream) => {
          const shares = Array.from({ length: 20 }, () => stream.next().value as number)
          const share = (now: number) => shares[Math.floor(now / second)] ?? 1
          const { sentAt } = send({ ...world, share }, 20 * second)
          sentAt.forEach((at, index) => {
            expect(at - (sentAt[index - assumed] ?? -Infinity)).toBeGreaterThanOrEqual(second)
          })
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it("uses what the others leave, with a second with 429s in five", () => {
    FastCheck.assert(
      FastCheck.property(worlds, ({ left, ...world }) => {
        const { acceptedAt, rejectedAt } = send({ ...world, share: () => left }, 40 * second)
        expect(between(acceptedAt, 10 * second, 40 * second)).toBeGreaterThanOrEqual(
          0.9 * 30 * left,
        )
        // Two where the probe and another request are on their way.
        const late = rejectedAt.filter((at) => at >= 10 * second)
        const seconds = new Set(late.map((at) => Math.floor(at / second)))
        expect(seconds.size).toBeLessThanOrEqual(30 / 5 + 1)
        expect(late.length).toBeLessThanOrEqual(2 * seconds.size)
      }),
      { numRuns: runs(100) },
    )
  })

  it("returns to the configured limit within 20 seconds after the others stop", () => {
    FastCheck.assert(
      FastCheck.property(worlds, ({ left, ...world }) => {
        const share = (now: number) => (now < 20 * second ? left : assumed)
        const { acceptedAt } = send({ ...world, share }, 45 * second)
        expect(between(acceptedAt, 40 * second, 45 * second)).toBeGreaterThanOrEqual(4 * assumed)
      }),
      { numRuns: runs(100) },
    )
  })

  it("is exceeded by one request at a time, until its response", () => {
    const limiter = new GlobalLimiter([{ limit: assumed, window: second }])
    const start = (count: number, now: number) =>
      Array.from({ length: count }, () => {
        const request = {}
        limiter.recordSend(request, now, "webhook")
        return request
      })
    start(27, 0)
    limiter.block("global", 600, 0, 100)
    limiter.block("global", 600, 0, 100)
    // After a block one request goes first.
    const [first] = start(1, second)
    limiter.onSettled(first!, true, "webhook")
    start(24, second)
    for (let at = 2 * second; at <= 6 * second; at += second) start(25, at)
    expect(limiter.availableAt("webhook", true)).toBeLessThanOrEqual(6 * second)
    const [probe] = start(1, 6 * second)
    start(25, 7 * second)
    // The 429s said that their second, and so each one, ended at 700.
    expect(limiter.availableAt("webhook", true)).toBe(7700)
    limiter.onSettled(probe!, true, "webhook")
    expect(limiter.availableAt("webhook", true)).toBeLessThanOrEqual(7 * second)
    expect(limiter.availableAt("webhook")).toBeLessThanOrEqual(7 * second)
  })
})
