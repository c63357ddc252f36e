import { it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { AllowedMentions, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { contents, newHook, texts, within } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { runs } from "../support/laws.js"

const world = (options: DiscordSimulator.Options = {}) =>
  Layer.mergeAll(
    DiscordSimulator.layerTestWith(options),
    RateLimiter.layerMemory,
    Strategy.layerProactive,
  )

type Hook = Effect.Effect.Success<ReturnType<typeof newHook>>

const withHook = <A, E, R>(
  use: (hook: Hook, simulator: DiscordSimulator.Service) => Effect.Effect<A, E, R>,
  options: DiscordSimulator.Options = {},
) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    return yield* use(yield* newHook(simulator), simulator)
  }).pipe(Effect.provide(world(options)))

const content = (text: string): Webhook.MessageInput => ({ content: text })
const embed = (text: string): Webhook.MessageInput => ({ embeds: [{ description: text }] })

/** The messages of the channel: text, and the descriptions of embeds. */
const stored = (simulator: DiscordSimulator.Service, { made }: Hook) =>
  Effect.map(simulator.messages(made), (messages) =>
    messages.map(({ content: text, embeds }) => [
      ...(text === "" ? [] : [text]),
      ...(embeds as ReadonlyArray<{ description: string }>).map(({ description }) => description),
    ]),
  )

const forbidden = Fault.respond({ status: 403, body: { message: "no", code: 50013 } })

describe("a sink", () => {
  it.effect("sends every message in order, through rate limits, and counts them", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const all = texts(12)
        const count = yield* within(
          "1 minute",
          Stream.fromIterable(all).pipe(Stream.map(content), Stream.run(Webhook.sink(hook.hook))),
        )
        expect(count).toBe(12)
        expect(contents(yield* simulator.messages(hook.made))).toEqual(all)
        expect((yield* simulator.statistics).limited).toEqual({ user: 0, shared: 0, global: 0 })
      }),
    ),
  )

  it.effect("of an empty stream sends nothing", () =>
    withHook(({ hook }, simulator) =>
      Effect.gen(function* () {
        expect(yield* Stream.run(Stream.empty, Webhook.sink(hook))).toBe(0)
        const batched = Webhook.sink(hook, { batchWithin: "1 second" })
        expect(yield* within("2 seconds", Stream.run(Stream.empty, batched))).toBe(0)
        expect(yield* simulator.traffic).toEqual([])
      }),
    ),
  )

  it.effect("sends to a thread", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const { id } = yield* simulator.createThread(hook.made)
        yield* Stream.run(Stream.make(content("x")), Webhook.sink(hook.hook, { threadId: id }))
        expect(yield* simulator.messages(hook.made)).toMatchObject([{ channel_id: id }])
      }),
    ),
  )

  it.effect("pulls the next message when Discord has stored the last", () =>
    withHook(
      ({ hook }) =>
        Effect.gen(function* () {
          const pulls = yield* Ref.make(0)
          const source = Stream.repeatEffect(
            Effect.as(
              Ref.update(pulls, (n) => n + 1),
              content("x"),
            ),
          )
          yield* Effect.forkScoped(Stream.run(source, Webhook.sink(hook)))
          yield* TestClock.adjust("500 millis")
          expect(yield* Ref.get(pulls)).toBe(1)
          yield* TestClock.adjust("1 second")
          expect(yield* Ref.get(pulls)).toBe(2)
        }).pipe(Effect.scoped),
      { latency: "1 second" },
    ),
  )

  it.effect("fails with the first message that does not get through, and sends no other", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(forbidden, { match: ({ sequence }) => sequence === 3 })
        const exit = yield* Effect.exit(
          within(
            "1 minute",
            Stream.fromIterable(texts(6)).pipe(
              Stream.map(content),
              Stream.run(Webhook.sink(hook.hook)),
            ),
          ),
        )
        expect(Exit.isFailure(exit) && exit.cause).toMatchObject({
          error: { _tag: "WebhookForbidden" },
        })
        expect(contents(yield* simulator.messages(hook.made))).toEqual(["m0", "m1"])
      }),
    ),
  )

  it.effect("continues after errors by option, and counts sent messages", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(forbidden, { match: ({ sequence }) => sequence === 3 })
        const failed: Array<unknown> = []
        const sink = Webhook.sink(hook.hook, {
          onError: (error, message) =>
            Effect.sync(() => void failed.push([error._tag, message.content])),
        })
        const messages = Stream.fromIterable([...texts(4), "x".repeat(2001), "last"])
        const count = yield* within("1 minute", Stream.run(Stream.map(messages, content), sink))
        expect(count).toBe(4)
        expect(failed).toEqual([
          ["WebhookForbidden", "m2"],
          ["WebhookValidationError", "x".repeat(2001)],
        ])
        expect(contents(yield* simulator.messages(hook.made))).toEqual(["m0", "m1", "m3", "last"])
      }),
    ),
  )

  it.effect("delivers what the stream gave before it failed, and then fails with its error", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const source = Stream.concat(
          Stream.map(Stream.fromIterable(texts(7)), content),
          Stream.fail("the source broke" as const),
        )
        const error = yield* within(
          "1 minute",
          Effect.flip(Stream.run(source, Webhook.sink(hook.hook))),
        )
        expect(error).toBe("the source broke")
        expect(contents(yield* simulator.messages(hook.made))).toEqual(texts(7))
      }),
    ),
  )

  it.effect("composes with other sinks: unread elements stay in the stream", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const firstTwo = Sink.collectAllN<Webhook.MessageInput>(2)
        const counted = yield* within(
          "1 minute",
          Stream.map(Stream.fromIterable(texts(5)), content).pipe(
            Stream.run(Sink.zipRight(firstTwo, Webhook.sink(hook.hook))),
          ),
        )
        expect(counted).toBe(3)
        expect(contents(yield* simulator.messages(hook.made))).toEqual(["m2", "m3", "m4"])
      }),
    ),
  )
})

describe("a sink that batches", () => {
  const batching = { batchWithin: "1 second" } as const

  it.effect("puts embeds that come within the window into one message", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const source = yield* Queue.unbounded<Webhook.MessageInput>()
        yield* Effect.forkScoped(
          Stream.run(Stream.fromQueue(source), Webhook.sink(hook.hook, batching)),
        )
        yield* source.offer(embed("a"))
        yield* TestClock.adjust("600 millis")
        yield* source.offer(embed("b"))
        yield* TestClock.adjust("399 millis")
        expect(yield* stored(simulator, hook)).toEqual([])
        yield* TestClock.adjust("1 millis")
        expect(yield* stored(simulator, hook)).toEqual([["a", "b"]])
        yield* source.offer(embed("c"))
        yield* TestClock.adjust("1 second")
        expect(yield* stored(simulator, hook)).toEqual([["a", "b"], ["c"]])
      }).pipe(Effect.scoped),
    ),
  )

  it.effect("does not wait when ten are there, nor for what goes alone", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const source = yield* Queue.unbounded<Webhook.MessageInput>()
        yield* Effect.forkScoped(
          Stream.run(Stream.fromQueue(source), Webhook.sink(hook.hook, batching)),
        )
        yield* source.offerAll([...texts(10).map(embed), content("alone")])
        yield* TestClock.adjust("1 millis")
        expect(yield* stored(simulator, hook)).toEqual([texts(10), ["alone"]])
      }).pipe(Effect.scoped),
    ),
  )

  it.effect("does not wait at the end of the stream", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const source = Stream.map(Stream.fromIterable(texts(3)), embed)
        expect(
          yield* within("1 millis", Stream.run(source, Webhook.sink(hook.hook, batching))),
        ).toBe(3)
        expect(yield* stored(simulator, hook)).toEqual([texts(3)])
      }),
    ),
  )

  it.effect("keeps messages apart that do not belong together", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const long = "x".repeat(3001)
        const linked = (description: string): Webhook.MessageInput => ({
          embeds: [{ description, url: "https://example.com" }],
        })
        const source: ReadonlyArray<Webhook.MessageInput> = [
          embed("a"),
          { ...embed("b"), content: undefined, username: undefined },
          { ...embed("with text"), content: "text" },
          { ...embed("as Ada"), username: "Ada" },
          { ...embed("as Ada, too"), username: "Ada" },
          { ...embed("quiet"), allowedMentions: AllowedMentions.none },
          embed(long),
          embed(long),
          linked("c"),
          linked("d"),
        ]
        yield* within(
          "1 minute",
          Stream.run(Stream.fromIterable(source), Webhook.sink(hook.hook, batching)),
        )
        expect(yield* stored(simulator, hook)).toEqual([
          ["a", "b"],
          ["text", "with text"],
          ["as Ada", "as Ada, too"],
          ["quiet"],
          [long],
          [long, "c"],
          ["d"],
        ])
      }),
    ),
  )

  it.effect("loses invalid messages only, whether we or Discord reject them", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const invalid: Webhook.MessageInput = { embeds: [{ title: "x".repeat(257) }] }
        // Discord refuses what we take for right: first the whole, then the second of its parts.
        const refuse = Fault.respond({ status: 400, body: { message: "no", code: 50035 } })
        yield* simulator.inject(refuse, {
          match: ({ sequence }) => sequence === 1 || sequence === 3,
          times: 2,
        })
        const failed: Array<unknown> = []
        const sink = Webhook.sink(hook.hook, {
          ...batching,
          onError: (error, message) => Effect.sync(() => void failed.push([error._tag, message])),
        })
        const source = [embed("a"), embed("b"), embed("c"), invalid, embed("d")]
        const count = yield* within("1 minute", Stream.run(Stream.fromIterable(source), sink))
        expect(count).toBe(3)
        expect(failed).toEqual([
          ["WebhookBadRequest", embed("b")],
          ["WebhookValidationError", invalid],
        ])
        expect(yield* stored(simulator, hook)).toEqual([["a"], ["c"], ["d"]])
      }),
    ),
  )

  it.effect("rejects invalid values of untyped code", () =>
    withHook((hook) =>
      Effect.gen(function* () {
        const failed: Array<string> = []
        const sink = Webhook.sink(hook.hook, {
          ...batching,
          onError: ({ _tag }) => Effect.sync(() => void failed.push(_tag)),
        })
        const nonsense = [
          null,
          1,
          { embeds: null },
          { embeds: [] },
        ] as never as Array<Webhook.MessageInput>
        expect(yield* within("1 minute", Stream.run(Stream.fromIterable(nonsense), sink))).toBe(0)
        expect(failed).toEqual(Array(4).fill("WebhookValidationError"))
      }),
    ),
  )

  it.effect("delivers what the stream gave before it failed, and then fails with its error", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const source = Stream.concat(
          Stream.map(Stream.fromIterable(texts(23)), embed),
          Stream.fail("the source broke" as const),
        )
        const error = yield* within(
          "1 minute",
          Effect.flip(Stream.run(source, Webhook.sink(hook.hook, batching))),
        )
        expect(error).toBe("the source broke")
        expect((yield* stored(simulator, hook)).flat()).toEqual(texts(23))
      }),
    ),
  )

  it.effect("fails at once, even while the stream is silent", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(forbidden)
        const source = Stream.concat(Stream.make(embed("a")), Stream.never)
        const error = yield* within(
          "2 seconds",
          Effect.flip(Stream.run(source, Webhook.sink(hook.hook, batching))),
        )
        expect(error._tag).toBe("WebhookForbidden")
      }),
    ),
  )

  it.effect("is at most a few messages ahead of Discord", () =>
    withHook(
      ({ hook }) =>
        Effect.gen(function* () {
          const pulls = yield* Ref.make(0)
          const source = Stream.repeatEffect(
            Effect.as(
              Ref.update(pulls, (n) => n + 1),
              embed("x"),
            ),
          )
          const sink = Webhook.sink(hook, { ...batching, shutdownTimeout: 0 })
          yield* Effect.forkScoped(Stream.run(source, sink))
          yield* TestClock.adjust("5 seconds")
          // A batch on its way, one that gathers, and what is in the hands of the stream.
          expect(yield* Ref.get(pulls)).toBeLessThanOrEqual(24)
          expect(yield* Ref.get(pulls)).toBeGreaterThanOrEqual(20)
        }).pipe(Effect.scoped),
      { latency: "1 hour" },
    ),
  )

  /** The sink is interrupted when it has run for a while; what it does then, and what it logs. */
  const interrupted = (
    hook: Hook,
    source: Stream.Stream<Webhook.MessageInput>,
    options: Webhook.SinkOptions,
  ) =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => logged.push(String(message)))
      const running = yield* Stream.run(source, Webhook.sink(hook.hook, options)).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        Effect.fork,
      )
      yield* TestClock.adjust("100 millis")
      const start = yield* Clock.currentTimeMillis
      const took = yield* Effect.fork(
        Effect.map(Fiber.interrupt(running), (exit) => {
          expect(Exit.isInterrupted(exit)).toBe(true)
        }).pipe(Effect.zipRight(Clock.currentTimeMillis)),
      )
      yield* TestClock.adjust("1 minute")
      const limiter = yield* RateLimiter.RateLimiter
      expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
      return { took: (yield* Fiber.join(took)) - start, logged }
    })

  const endless = Stream.concat(Stream.map(Stream.fromIterable(texts(50)), embed), Stream.never)

  it.effect("that is interrupted sends what it has taken", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        const { logged, took } = yield* interrupted(hook, endless, batching)
        expect((yield* stored(simulator, hook)).flat()).toEqual(texts(50))
        expect(took).toBeLessThan(1000)
        expect(logged).toEqual([])
      }),
    ),
  )

  it.effect("that is interrupted waits until its limit, and logs what was not sent", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.neverRespond, { times: Infinity })
        const { logged, took } = yield* interrupted(hook, endless, batching)
        expect(took).toBe(5000)
        expect(logged).toEqual([
          "Webhook.sink was interrupted, and 50 messages were not sent in time",
        ])
        const atOnce = yield* interrupted(hook, Stream.concat(Stream.make(embed("a")), endless), {
          ...batching,
          shutdownTimeout: 0,
        })
        expect(atOnce.took).toBe(0)
      }),
    ),
  )

  it.effect("that is interrupted logs why the rest was not sent when Discord rejects it", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(forbidden)
        const source = Stream.concat(Stream.make(embed("a")), Stream.never)
        const { logged } = yield* interrupted(hook, source, batching)
        expect(logged).toEqual([
          expect.stringMatching(
            /^Webhook\.sink was interrupted, and a message was not sent: .*50013/,
          ),
        ])
      }),
    ),
  )

  it.effect("without batches that is interrupted stops at once", () =>
    withHook((hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.neverRespond, { times: Infinity })
        const { logged, took } = yield* interrupted(hook, endless, {})
        expect([took, logged]).toEqual([0, []])
      }),
    ),
  )
})

describe("any messages in any chunks", () => {
  /** Every part has its number in it, and is long enough to bring the 6000 into play. */
  const kind = fc.record({
    kind: fc.constantFrom("content", "embed", "embed", "embeds"),
    length: fc.oneof(fc.constant(5), fc.integer({ min: 1, max: 1900 })),
    username: fc.constantFrom(undefined, undefined, "Ada"),
  })

  const messageOf = (
    { kind: what, length, username }: typeof kind extends fc.Arbitrary<infer A> ? A : never,
    index: number,
  ): Webhook.MessageInput => {
    const text = (part: number) => `${index}.${part}`.padEnd(length, "x")
    if (what === "content") return { content: text(0), username }
    const parts = what === "embed" ? [0] : [0, 1, 2]
    return { embeds: parts.map((part) => ({ description: text(part) })), username }
  }

  const parts = (messages: ReadonlyArray<Webhook.MessageInput>) =>
    messages.flatMap(({ content: text, embeds = [] }) => [
      ...(text === undefined ? [] : [text]),
      ...embeds.map(({ description }) => description),
    ])

  it.effect("nothing is lost or doubled, the order is kept, and no message breaks a limit", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(kind, { maxLength: 40 }),
          fc.constantFrom(undefined, 0, 1, 300, 5000),
          fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 10 }),
          fc.boolean(),
          async (kinds, batchWithin, sizes, fails) => {
            const messages = kinds.map(messageOf)
            const source = Stream.fromIterable(messages).pipe(
              Stream.rechunk(sizes[0]!),
              Stream.mapChunksEffect((chunk) =>
                Effect.as(Effect.sleep(sizes[Chunk.size(chunk) % sizes.length]! * 100), chunk),
              ),
              Stream.concat(fails ? Stream.fail("broken") : Stream.empty),
            )
            const { value } = await VirtualClock.runPromise(
              withHook((hook, simulator) =>
                Effect.gen(function* () {
                  const exit = yield* Effect.exit(
                    Stream.run(source, Webhook.sink(hook.hook, { batchWithin })),
                  )
                  return { exit, arrived: (yield* stored(simulator, hook)).flat() }
                }),
              ),
            )
            expect(value.arrived).toEqual(parts(messages))
            expect(value.exit).toEqual(fails ? Exit.fail("broken") : Exit.succeed(messages.length))
          },
        ),
        { numRuns: runs(60) },
      ),
    ),
  )

  it.effect(
    "everything a batching sink has taken arrives once, after interruption at any time",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(kind, { minLength: 1, maxLength: 40 }),
            fc.constantFrom(0, 1, 300, 5000),
            fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 }),
            fc.integer({ min: 0, max: 20_000 }),
            async (kinds, batchWithin, sizes, after) => {
              const taken: Array<Webhook.MessageInput> = []
              const source = Stream.fromIterable(kinds.map(messageOf)).pipe(
                Stream.rechunk(sizes[0]!),
                Stream.mapChunksEffect((chunk) =>
                  Effect.map(Effect.sleep(sizes[Chunk.size(chunk) % sizes.length]! * 100), () => {
                    taken.push(...chunk)
                    return chunk
                  }),
                ),
              )
              const { value } = await VirtualClock.runPromise(
                withHook((hook, simulator) =>
                  Effect.gen(function* () {
                    const sink = Webhook.sink(hook.hook, { batchWithin, shutdownTimeout: "1 hour" })
                    const running = yield* Effect.fork(Stream.run(source, sink))
                    yield* Effect.sleep(after)
                    yield* Fiber.interrupt(running)
                    return (yield* stored(simulator, hook)).flat()
                  }),
                ),
              )
              expect(value).toEqual(parts(taken))
            },
          ),
          { numRuns: runs(100) },
        ),
      ),
  )
})
