import { it } from "@effect/vitest"
import * as Headers from "@effect/platform/Headers"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { DiscordLogger, DryRun, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { newHook } from "../scenarios/harness.js"
import * as VirtualClock from "../support/VirtualClock.js"
import { runs } from "../support/laws.js"

const world = (options: DiscordSimulator.Options = {}) =>
  Layer.mergeAll(
    DiscordSimulator.layerTestWith(options),
    RateLimiter.layerMemory,
    Strategy.layerProactive,
  )

interface Harness {
  readonly hook: Webhook.Webhook
  readonly simulator: DiscordSimulator.Service
  readonly made: DiscordSimulator.SimulatedWebhook
  /** What the other loggers logLines. */
  readonly logLines: Array<string>
  /** The scope of the logger. */
  readonly scope: Scope.CloseableScope
  /** Runs with the logger. */
  readonly logging: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** A logger whose scope the test closes itself. */
const withHarness = <A, E, R>(
  options: DiscordLogger.Options,
  story: (harness: Harness) => Effect.Effect<A, E, R>,
  discord: DiscordSimulator.Options = {},
) => {
  const logLines: Array<string> = []
  const other = Logger.make(({ logLevel, message }) => {
    const said = Arr.ensure(message).map((one) => (typeof one === "string" ? one : typeof one))
    logLines.push(`${logLevel.label} ${said.join(" ")}`)
  })
  return Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const { hook, made } = yield* newHook(simulator)
    const scope = yield* Scope.make()
    const runtime = yield* Layer.toRuntime(DiscordLogger.layer(hook, options)).pipe(
      Scope.extend(scope),
    )
    return yield* story({
      hook,
      simulator,
      made,
      logLines,
      scope,
      logging: Effect.provide(runtime),
    })
  }).pipe(Effect.provide([Logger.replace(Logger.defaultLogger, other), world(discord)]))
}

const closing = (scope: Scope.CloseableScope) => Scope.close(scope, Exit.void)

interface Posted {
  readonly title: string
  readonly color: number
  readonly description: string
  readonly fields?: ReadonlyArray<{ readonly name: string; readonly value: string }>
  readonly footer?: { readonly text: string }
  readonly timestamp?: string
}

/** The embeds of each message. */
const posts = ({ made, simulator }: Harness) =>
  Effect.map(simulator.messages(made), (messages) =>
    messages.map(({ embeds }) => embeds as ReadonlyArray<Posted>),
  )

const textOf = ({ description }: Posted) => description.replace(/^```\n|\n```$/g, "")

const postedTexts = (harness: Harness) =>
  Effect.map(posts(harness), (all) => all.map((one) => one.map(textOf)))

/** The entries that the law logs are numbers; a notice begins with how many are missing. */
const numbersIn = (text: string) => (/^\d+$/.test(text) ? [Number(text)] : [])

const countsIn = (text: string) => Array.from(/^(\d+): /.exec(text)?.slice(1) ?? [], Number)

const sum = (counts: ReadonlyArray<number>) => counts.reduce((total, count) => total + count, 0)

describe("an entry", () => {
  it.effect("shows level, message, cause, annotations, spans and fiber", () =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.parse("2026-01-31T12:00:00Z"))
        yield* Effect.sleep("1500 millis").pipe(
          Effect.zipRight(
            Effect.logError("payment failed", { order: 7 }, Cause.fail(new Error("card declined"))),
          ),
          Effect.annotateLogs({ region: "eu", attempt: 3 }),
          Effect.withLogSpan("checkout"),
          harness.logging,
          Effect.fork,
        )
        yield* TestClock.adjust("1 minute")
        const [[entry] = []] = yield* posts(harness)
        expect(entry).toMatchObject({
          title: "ERROR: payment failed",
          color: 0xed4245,
          fields: [
            { name: "Annotations", value: "```\nattempt=3\nregion=eu\n```" },
            { name: "Spans", value: "```\ncheckout=1500ms\n```" },
          ],
          footer: { text: expect.stringMatching(/^fiber #\d+$/) as string },
          timestamp: expect.stringContaining("2026-01-31T12:00:01.5") as string,
        })
        expect(textOf(entry!)).toMatch(
          /^payment failed \{\n {2}"order": 7\n\}\n\nError: card declined/,
        )
      }),
    ),
  )

  it.effect("has the colour of its level", () =>
    withHarness({ level: LogLevel.All }, (harness) =>
      Effect.gen(function* () {
        yield* Effect.all([
          Effect.logTrace("trace"),
          Effect.logDebug("debug"),
          Effect.logInfo("info"),
          Effect.logWarning("warning"),
          Effect.logError("error"),
          Effect.logFatal("fatal"),
        ]).pipe(Logger.withMinimumLogLevel(LogLevel.All), harness.logging)
        yield* TestClock.adjust("1 second")
        const [entries = []] = yield* posts(harness)
        expect(entries.map(({ color, title }) => [title, color])).toEqual([
          ["TRACE: trace", 0x99aab5],
          ["DEBUG: debug", 0x99aab5],
          ["INFO: info", 0x5865f2],
          ["WARN: warning", 0xfee75c],
          ["ERROR: error", 0xed4245],
          ["FATAL: fatal", 0x992d22],
        ])
      }),
    ),
  )

  it.effect.each<readonly [string, ReadonlyArray<unknown>, string]>([
    ["the first line of what is said", ["a\nb", { c: 1 }], "WARN: a"],
    ["an error's message", [new TypeError("no such order")], "WARN: TypeError: no such order"],
    ["the cause of an object", [{ a: 1 }, Cause.fail("broken")], "WARN: Error: broken"],
    ["only the level of an object", [{ a: 1 }], "WARN"],
    ["a value", [12n], "WARN: 12n"],
    ["Markdown as it is written", ["**a** <@1>"], "WARN: \\*\\*a\\*\\* \\<\\@\u200b1>"],
    ["so much of it that it fits", ["*".repeat(1000)], `WARN: ${"\\*".repeat(79)}…`],
  ])("has %s in its title", ([, message, title]) =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        yield* harness.logging(Effect.logWarning(...message))
        yield* TestClock.adjust("1 second")
        const [[entry] = []] = yield* posts(harness)
        expect(entry?.title).toBe(title)
      }),
    ),
  )

  const marks = fc.string({
    unit: fc.constantFrom(..."@<#>*_~|`-\\[]()/:.a1 🎉\n"),
    maxLength: 300,
  })

  it.effect.prop(
    "has a valid title for any message",
    [fc.array(marks, { minLength: 10, maxLength: 10 })],
    ([texts]) =>
      withHarness({}, (harness) =>
        Effect.gen(function* () {
          yield* harness.logging(Effect.forEach(texts, (text) => Effect.logWarning(text)))
          yield* TestClock.adjust("1 minute")
          const entries = (yield* posts(harness)).flat()
          expect(entries).toHaveLength(texts.length)
          for (const { title } of entries) {
            expect(title).toMatch(/^WARN/)
            expect(Array.from(title).length).toBeLessThanOrEqual(256)
          }
        }),
      ),
    { fastCheck: { numRuns: runs(30) } },
  )

  it.effect("shows headers as the fiber that logs them may", () =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        const headers = Headers.fromInput({ authorization: "Bearer abc", accept: "text/html" })
        yield* harness.logging(Effect.logWarning("request", { headers }))
        yield* TestClock.adjust("1 second")
        const [[text] = []] = yield* postedTexts(harness)
        expect(text).toContain('"accept": "text/html"')
        expect(text).toContain('"authorization": "<redacted>"')
      }),
    ),
  )

  it.effect.each([
    ["closes a code block", "before ``` @everyone **after** ````"],
    ["begins and ends with backticks", "```"],
    ["is markdown", "# title\n> quote\n<@1234> [a](https://example.com)"],
  ])("that %s is shown as it is, and mentions nobody", ([, text]) =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        yield* harness.logging(Effect.logWarning(text).pipe(Effect.annotateLogs("text", text)))
        yield* TestClock.adjust("1 second")
        const [[entry] = []] = yield* posts(harness)
        const [annotations] = entry!.fields!
        for (const block of [entry!.description, annotations!.value]) {
          // One fence at each end, and nothing that Discord could take for another.
          expect(block.match(/`{3,}/g)).toEqual(["```", "```"])
          expect(block.replaceAll("\u200b", "")).toContain(text)
        }
        const [request] = yield* harness.simulator.traffic
        expect(request?.body).toMatchObject({ allowed_mentions: { parse: [] } })
      }),
    ),
  )

  it.effect("that is long is truncated, and contains by how much", () =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        const long = "😀".repeat(100_000)
        yield* harness.logging(
          Effect.logWarning(long, Cause.die(new Error(long))).pipe(
            Effect.annotateLogs({ long, other: long }),
            Effect.withLogSpan(long),
          ),
        )
        yield* TestClock.adjust("1 second")
        const [[entry] = []] = yield* posts(harness)
        expect(entry?.description).toMatch(
          /^```\n(?:😀){2950}\n… \(\d{6} characters in all\)\n```$/u,
        )
        expect(entry?.fields?.length).toBe(2)
      }),
    ),
  )

  it.effect.each([2999, 3000, 3001, 100_000])(
    "of %s backticks stays in its block and within the limits",
    (count) =>
      withHarness({}, (harness) =>
        Effect.gen(function* () {
          const ticks = "`".repeat(count)
          yield* harness.logging(
            Effect.logWarning(ticks).pipe(
              Effect.annotateLogs({ ticks }),
              Effect.withLogSpan(ticks),
            ),
          )
          yield* TestClock.adjust("1 second")
          const [[entry] = []] = yield* posts(harness)
          expect(entry?.description.match(/`{3,}/g)).toEqual(["```", "```"])
          expect(harness.logLines).toHaveLength(1)
        }),
      ),
  )

  it.effect("may hold anything, and nothing of it breaks the program or the message", () =>
    withHarness({ window: "10 millis" }, (harness) =>
      Effect.gen(function* () {
        const circular: Record<string, unknown> = {}
        circular["self"] = circular
        const hostile = {
          toJSON: () => {
            throw new Error("no")
          },
          toString: () => {
            throw new Error("no")
          },
        }
        const things: ReadonlyArray<unknown> = [
          "",
          undefined,
          null,
          12n,
          Symbol("x"),
          () => 1,
          circular,
          hostile,
          new Error("oops"),
          "\u001b[31mred\u001b[0m \u0000\u0007",
          "half \ud83d of an emoji",
          Redacted.make("secret"),
          new Map([[1, 2]]),
        ]
        for (const thing of things) {
          yield* harness.logging(Effect.logWarning(thing).pipe(Effect.annotateLogs("thing", thing)))
        }
        yield* TestClock.adjust("10 seconds")
        const entries = (yield* postedTexts(harness)).flat()
        expect(entries).toHaveLength(things.length)
        expect(entries[7]).toBe("(cannot be shown)")
        expect(entries[8]).toMatch(/^Error: oops/)
        expect(entries[9]).toBe("red ")
        expect(entries[10]).toBe("half \ufffd of an emoji")
        expect(entries.join()).not.toContain("secret")
        expect(harness.logLines).toHaveLength(things.length)
      }),
    ),
  )
})

describe("the logger", () => {
  it.effect("posts what has the level, and nothing below it", () =>
    withHarness({ level: LogLevel.Error }, (harness) =>
      Effect.gen(function* () {
        yield* harness.logging(
          Effect.all([Effect.logWarning("a"), Effect.logError("b"), Effect.logFatal("c")]),
        )
        yield* TestClock.adjust("1 second")
        expect(yield* postedTexts(harness)).toEqual([["b", "c"]])
      }),
    ),
  )

  it.effect("puts entries that come within the window into one message, at most ten", () =>
    withHarness({ window: "3 seconds" }, (harness) =>
      Effect.gen(function* () {
        const numbers = Array.from({ length: 25 }, (_, n) => `entry ${n}`)
        yield* harness.logging(Effect.forEach(numbers, (text) => Effect.logWarning(text)))
        yield* TestClock.adjust("2999 millis")
        expect((yield* postedTexts(harness)).map(({ length }) => length)).toEqual([10, 10])
        yield* harness.logging(Effect.logWarning("late"))
        yield* TestClock.adjust("10 seconds")
        const all = yield* postedTexts(harness)
        expect(all.map(({ length }) => length)).toEqual([10, 10, 6])
        expect(all.flat()).toEqual([...numbers, "late"])
      }),
    ),
  )

  it.effect("has the name and avatar of its options", () =>
    withHarness({ username: "Alerts", avatarUrl: "https://example.com/a.png" }, (harness) =>
      Effect.gen(function* () {
        yield* harness.logging(Effect.logWarning("x"))
        yield* TestClock.adjust("1 second")
        const [request] = yield* harness.simulator.traffic
        expect(request?.body).toMatchObject({
          username: "Alerts",
          avatar_url: "https://example.com/a.png",
        })
      }),
    ),
  )

  it.effect("does not log its own requests at any level", () =>
    withHarness({ level: LogLevel.All }, (harness) =>
      Effect.gen(function* () {
        yield* harness.simulator.inject(
          Fault.respond({
            status: 429,
            headers: { "retry-after": "2", "x-ratelimit-scope": "user" },
            body: { message: "slow", retry_after: 1.2, global: false },
          }),
        )
        yield* harness.logging(Effect.logDebug("x"))
        yield* TestClock.adjust("1 minute")
        expect(yield* postedTexts(harness)).toEqual([["x"]])
        expect(harness.logLines).toEqual(["DEBUG x"])
      }).pipe(Logger.withMinimumLogLevel(LogLevel.All)),
    ),
  )

  it.effect("does not block the program when the webhook never responds", () =>
    withHarness({ capacity: 20 }, (harness) =>
      Effect.gen(function* () {
        yield* harness.simulator.inject(Fault.neverRespond, { times: Infinity })
        yield* harness.logging(
          Effect.forEach(Array.from({ length: 500 }), () => Effect.logError("x")),
        )
        // No time has passed, and none is needed.
        yield* TestClock.adjust("1 second")
        yield* harness.logging(
          Effect.forEach(Array.from({ length: 500 }), () => Effect.logError("y")),
        )
      }),
    ),
  )

  it.effect(
    "drops entries when the queue is full, and the next message contains their number",
    () =>
      withHarness({ capacity: 20, window: "1 second" }, (harness) =>
        Effect.gen(function* () {
          const log = (from: number, to: number) =>
            harness.logging(
              Effect.forEach(
                Array.from({ length: to - from }, (_, n) => from + n),
                (n) => Effect.logError(`entry ${n}`),
              ),
            )
          yield* log(0, 30)
          yield* TestClock.adjust("1 minute")
          yield* log(30, 31)
          yield* TestClock.adjust("1 minute")
          const entries = (yield* posts(harness)).flat()
          expect(entries.map(textOf)).toEqual([
            ...Array.from({ length: 20 }, (_, n) => `entry ${n}`),
            "10: 10 found the queue full.",
            "entry 30",
          ])
          expect(entries[20]?.title).toBe("Log entries are missing here")
        }),
      ),
  )

  it.effect(
    "warns the other loggers once when Discord fails, counts, and continues when it is back",
    () =>
      withHarness({}, (harness) =>
        Effect.gen(function* () {
          yield* harness.simulator.inject(Fault.html(502), { times: 2 })
          for (const text of ["a", "b", "c", "d"]) {
            yield* harness.logging(Effect.logError(text))
            yield* TestClock.adjust("1 minute")
          }
          expect(yield* postedTexts(harness)).toEqual([["2: 2 could not be sent.", "c"], ["d"]])
          expect(harness.logLines).toEqual([
            "ERROR a",
            expect.stringMatching(
              /^WARN Log entries cannot be sent now: DiscordLogger\.layer \(webhook \d+\): .* 502/,
            ),
            "ERROR b",
            "ERROR c",
            "ERROR d",
          ])
          yield* harness.simulator.inject(Fault.html(502))
          yield* harness.logging(Effect.logError("e"))
          yield* TestClock.adjust("1 minute")
          expect(harness.logLines.filter((line) => line.startsWith("WARN"))).toHaveLength(2)
        }),
      ),
  )

  it.effect("of a dead webhook warns the other loggers once, and stops", () =>
    withHarness({}, (harness) =>
      Effect.gen(function* () {
        yield* harness.simulator.deleteWebhook(harness.made)
        for (const text of ["a", "b", "c"]) {
          yield* harness.logging(Effect.logError(text))
          yield* TestClock.adjust("1 minute")
        }
        yield* closing(harness.scope)
        expect(harness.logLines).toEqual([
          "ERROR a",
          expect.stringMatching(
            /^WARN No further log entries are sent: DiscordLogger\.layer \(webhook \d+\): .*10015/,
          ),
          "ERROR b",
          "ERROR c",
        ])
        expect((yield* harness.simulator.statistics).requests).toBe(1)
      }),
    ),
  )

  it.effect.each([0, -1, 1.5, Number.NaN])("rejects a capacity of %s", (capacity) =>
    Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "1", token: "abc" })
      const error = yield* Effect.flip(Layer.build(DiscordLogger.layer(hook, { capacity })))
      expect(error).toMatchObject({
        _tag: "DiscordInvalidOption",
        option: "DiscordLogger.capacity",
      })
    }).pipe(Effect.provide(world()), Effect.scoped),
  )

  it.effect("finds its webhook in the configuration", () => {
    const url = "https://discord.com/api/webhooks/1234/abc-DEF_5"
    const layer = DiscordLogger.layerConfig(Webhook.config("ALERTS")).pipe(
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["ALERTS", url]])))),
    )
    return Effect.gen(function* () {
      yield* Effect.logError("x").pipe(Effect.provide(layer))
      const { requests } = yield* DryRun.DryRun
      expect(yield* requests).toMatchObject([{ webhookId: "1234", json: { embeds: [{}] } }])
    }).pipe(Effect.provide([DryRun.layer, RateLimiter.layerMemory, Strategy.layerProactive]))
  })
})

describe("at the end of the program", () => {
  it.effect("what waits is sent, without waiting for more", () =>
    withHarness({ window: "1 hour" }, (harness) =>
      Effect.gen(function* () {
        yield* harness.logging(Effect.forEach(["a", "b", "c"], (text) => Effect.logError(text)))
        yield* closing(harness.scope)
        expect(yield* postedTexts(harness)).toEqual([["a", "b", "c"]])
        yield* harness.logging(Effect.logError("after the end"))
        yield* TestClock.adjust("1 hour")
        expect(yield* postedTexts(harness)).toEqual([["a", "b", "c"]])
      }),
    ),
  )

  it.effect("a full queue is sent until the time limit, and the rest is counted", () =>
    withHarness(
      { capacity: 100, shutdownTimeout: "2500 millis" },
      (harness) =>
        Effect.gen(function* () {
          yield* harness.logging(
            Effect.forEach(Array.from({ length: 120 }), () => Effect.logError("x")),
          )
          const ending = yield* Effect.fork(closing(harness.scope))
          yield* TestClock.adjust("2499 millis")
          expect(Option.isNone(yield* ending.poll)).toBe(true)
          yield* TestClock.adjust("1 millis")
          expect(Option.isSome(yield* ending.poll)).toBe(true)
          // Two of the ten messages came back within the time; the third was on its way.
          expect((yield* postedTexts(harness)).flat()).toHaveLength(30)
          expect(harness.logLines.at(-1)).toBe(
            "WARN DiscordLogger: 100 log entries were not sent before the end",
          )
          const limiter = yield* RateLimiter.RateLimiter
          expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
        }),
      { latency: { request: 0, response: "1 second" } },
    ),
  )

  it.effect("a webhook that never responds delays the end until the time limit", () =>
    withHarness({ shutdownTimeout: "3 seconds" }, (harness) =>
      Effect.gen(function* () {
        yield* harness.simulator.inject(Fault.neverRespond, { times: Infinity })
        yield* harness.logging(Effect.logError("x"))
        const ending = yield* Effect.fork(closing(harness.scope))
        yield* TestClock.adjust("3 seconds")
        expect(Option.isSome(yield* ending.poll)).toBe(true)
        expect(harness.logLines).toEqual([
          "ERROR x",
          "WARN DiscordLogger: 1 log entries were not sent before the end",
        ])
      }),
    ),
  )
})

describe("with any events", () => {
  it.effect("every entry arrives or is counted, once, and those that arrive are in order", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              burst: fc.integer({ min: 1, max: 40 }),
              pause: fc.integer({ max: 4000, min: 0 }),
            }),
            { maxLength: 8 },
          ),
          fc.integer({ min: 1, max: 60 }),
          fc.constantFrom(0, 200, 2000),
          fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }),
          fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }),
          fc.constantFrom(120, 1000, 3_600_000),
          async (bursts, capacity, window, failing, refused, shutdownTimeout) => {
            const { value } = await VirtualClock.runPromise(
              withHarness(
                { capacity, window, shutdownTimeout },
                (harness) =>
                  Effect.gen(function* () {
                    yield* harness.simulator.inject(Fault.html(502), {
                      match: ({ sequence }) => failing.includes(sequence),
                      times: Infinity,
                    })
                    const refusal = { message: "no", code: 50035 }
                    yield* harness.simulator.inject(Fault.respond({ status: 400, body: refusal }), {
                      match: ({ sequence }) => refused.includes(sequence),
                      times: Infinity,
                    })
                    let logged = 0
                    for (const { burst, pause } of bursts) {
                      for (let n = 0; n < burst; n++) {
                        yield* harness.logging(Effect.logError(String(logged++)))
                      }
                      yield* Effect.sleep(pause)
                    }
                    yield* closing(harness.scope)
                    return {
                      logged,
                      logLines: harness.logLines,
                      messages: yield* postedTexts(harness),
                    }
                  }),
                { latency: "50 millis" },
              ),
            )
            const numbers = value.messages.flat().flatMap(numbersIn)
            const reported = value.messages.flat().flatMap(countsIn)
            const atTheEnd = value.logLines.flatMap(
              (text) => /(\d+) log entries were not/.exec(text)?.[1] ?? [],
            )
            const missing = sum([...reported, ...atTheEnd.map(Number)])
            // What the end cut off in flight is counted, and may have arrived all the same: the
            // entries of the last message, and those that it tells of.
            const last = value.messages.at(-1) ?? []
            const inFlight = last.flatMap(numbersIn).length + sum(last.flatMap(countsIn))
            expect(shutdownTimeout < 3_600_000 ? [0, inFlight] : [0]).toContain(
              numbers.length + missing - value.logged,
            )
            expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
          },
        ),
        {
          numRuns: 2 + runs(50),
          // A notice in flight that was cut off, and arrived.
          examples: [
            [
              [
                { burst: 1, pause: 0 },
                { burst: 12, pause: 5 },
              ],
              1,
              0,
              [],
              [],
              120,
            ],
            // A batch that was refused, and cut off while it went one by one.
            [[{ burst: 12, pause: 0 }], 60, 0, [2], [1], 120],
          ],
        },
      ),
    ),
  )
})
