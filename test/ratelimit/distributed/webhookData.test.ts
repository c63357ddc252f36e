/** The state of a webhook as data: a machine that continues with it behaves like the one that it replaces. */
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Route } from "../../../src/index.js"
import type { StateMachine } from "../../../src/ratelimit/internal/stateMachine.js"
import { RoundTrips, SlotTime, Window } from "../../../src/ratelimit/internal/window.js"
import { assumeUsed } from "../../../src/ratelimit/distributed/assumeUsed.js"
import { RoundTripsData, WindowData } from "../../../src/ratelimit/distributed/bucketData.js"
import { encodeWebhook, restoreWebhook } from "../../../src/ratelimit/distributed/webhookData.js"
import type { Policy, PolicyData } from "../../../src/ratelimit/Strategy.js"
import * as Strategy from "../../../src/ratelimit/Strategy.js"
import { isThorough, runs } from "../../support/laws.js"
import { ModelRun } from "../model/modelRun.js"
import { proactive, reactive, adaptive, pacedProactive } from "../model/policies.js"
import { steadily } from "../model/scenarios.js"
import { ok, response, route } from "../responses.js"
import { everything, golden, Solo } from "./solo.js"
import { majorsOf, type Pass, play, restore, type Trace, traces, withoutLimits } from "./traces.js"

const here = { clockOffset: 0, maxClockError: 0, now: 0 }

const encodeAll = ({ clock, machine, now }: ModelRun) =>
  [...majorsOf(machine)].map(
    (major) => [major, encodeWebhook(machine, major, now - clock)!] as const,
  )

/** The state goes to a machine on a clock that is `offset` ahead, while no request waits. */
const toAnother =
  (offset: number): Pass =>
  (model) => {
    if (model.machine.snapshot(model.clock).waiting > 0) return
    const texts = encodeAll(model)
    const to = model.replaceMachine(offset)
    for (const [major, text] of texts)
      restore(to, major, text, { ...here, clockOffset: -offset, now: model.clock })
  }

/** Another state replaces the state, and is replaced by it, while requests wait. */
const thereAndBack =
  (rename: (id: string) => string): Pass =>
  (model) => {
    const { clock: now, machine } = model
    for (const [major, text] of encodeAll(model)) {
      restore(machine, major, foreign(text, rename), { ...here, now })
      restore(machine, major, text, { ...here, now })
    }
  }

const nothing: Pass = () => {}

/** The same routes in buckets that are blocked, have another window and possibly other ids. */
function foreign(text: string, rename: (id: string) => string): string {
  const { buckets, ...rest } = JSON.parse(text)
  const [other] = JSON.parse(golden).buckets
  // The limit of a bucket is the guess for other webhooks; that is not part of the state.
  delete other.window.limit
  Object.assign(other, { blockedUntil: 1e6, probing: true, blocksWithoutDelay: 3 })
  const others = buckets.map(
    ({ id, routes }: { readonly id: string; readonly routes: unknown }) => ({
      ...other,
      id: rename(id),
      routes,
    }),
  )
  return JSON.stringify({ ...rest, dead: undefined, buckets: others })
}

/** Sums of times on two clocks differ in their last bits. */
const rounded = (seen: ReturnType<typeof play>) => ({
  ...seen,
  states: seen.states.map((text) =>
    text.replaceAll(/-?\d+\.\d+(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(4)))),
  ),
})

const law = (
  name: string,
  pass: Pass,
  count: number,
  see: (seen: ReturnType<typeof play>) => unknown = (seen) => seen,
) =>
  it(name, () => {
    FastCheck.assert(
      FastCheck.property(traces, (trace: Trace) => {
        expect(see(play(trace, pass))).toEqual(see(play(trace, nothing)))
      }),
      { numRuns: runs(count) },
    )
  })

const major = route().major

const policies = [adaptive, proactive, reactive, pacedProactive]

/** What a machine on its own does with this state. */
function soloWith(key: string, text: string, now: number, maxClockError = 0): Solo {
  const solo = new Solo(now)
  restore(solo.machine, key, text, { ...here, now, maxClockError })
  return solo
}

const memoryTimes = {
  earlier: [
    "hidden.belief.confirmedAt",
    "hidden.suspicion.at",
    "hidden.probe.sentAt",
    "hidden.before.confirmedAt",
    "traffic.last.at",
    "traffic.last.receivedAt",
    "overlappedAt",
  ],
  later: ["hidden.openedAt", "hidden.freedAt", "rolledAt"],
}

const inMemories = (paths: ReadonlyArray<string>) =>
  [0, 1].flatMap((index) => paths.map((path) => `buckets.0.memories.${index}.data.${path}`))

const earlier = [
  "buckets.0.window.resetEarliest",
  "buckets.0.window.sentAt",
  "buckets.0.window.openedAt",
  "buckets.0.window.limitSentAt",
  "buckets.0.window.past.resetAt",
  "buckets.0.window.past.rolledAt",
  "buckets.0.window.observed.earliest",
  "buckets.0.window.observed.at",
  ...inMemories(memoryTimes.earlier),
]

const later = [
  "buckets.0.blockedUntil",
  "buckets.0.window.resetAt",
  "buckets.0.window.doubtedAt",
  "buckets.0.window.observed.latest",
  "buckets.0.over.at",
  ...inMemories(memoryTimes.later),
  "dead.until",
]

describe("the state of a webhook as data", () => {
  law("continues on another machine as if nothing had happened", toAnother(0), 3000)

  law("continues on another clock as if nothing had happened", toAnother(123_457), 2000, rounded)

  const same = (id: string) => id
  law("replaces another state, and waiting requests stay", thereAndBack(same), 2000)

  it("moves waiting requests to the buckets that it names", () => {
    FastCheck.assert(
      FastCheck.property(traces, (trace) => {
        const { ends } = play(
          trace,
          thereAndBack((id) => `not ${id}`),
        )
        expect(ends.filter((end) => end.startsWith("undefined"))).toEqual([])
      }),
      { numRuns: runs(1000) },
    )
  })

  it("is the same text after it was restored", () => {
    FastCheck.assert(
      FastCheck.property(traces, (trace) => {
        play(trace, (model) => {
          for (const [key, text] of encodeAll(model)) {
            const { machine } = soloWith(key, text, model.clock)
            expect(encodeWebhook(machine, key, 0)).toBe(text)
          }
        })
      }),
      { numRuns: runs(1000) },
    )
  })

  it("grants nothing earlier where the clocks are less certain", () => {
    FastCheck.assert(
      FastCheck.property(
        traces,
        FastCheck.integer({ min: 1, max: 100 }),
        (trace, maxClockError) => {
          play(trace, ({ clock, machine }) => {
            for (const { name } of routesOf(machine)) {
              const key = [...majorsOf(machine)][0]!
              const text = encodeWebhook(machine, key, 0)!
              for (const policy of policies) {
                const exactly = soloWith(key, text, clock).start(name, key, policy)
                const carefully = soloWith(key, text, clock, maxClockError).start(name, key, policy)
                expect(carefully).toBeGreaterThanOrEqual(exactly)
              }
            }
          })
        },
      ),
      { numRuns: runs(500) },
    )
  })

  it("has every field of a window and of round trips", () => {
    const fieldsOf = (schema: { readonly fields: Schema.Struct.Fields }) =>
      Object.keys(schema.fields).sort()
    expect(fieldsOf(WindowData)).toEqual(Object.keys(new Window()).sort())
    expect(fieldsOf(WindowData.fields.slotTime)).toEqual(Object.keys(new SlotTime()).sort())
    expect(fieldsOf(RoundTripsData)).toEqual(Object.keys(new RoundTrips({ last: 1 })).sort())
  })

  it("has this format", () => {
    expect(encodeWebhook(Solo.usual().machine, major, 0)).toBe(golden)
  })

  it("keeps every field, on the same clock and on another", () => {
    for (const clockOffset of [0, -1e6]) {
      const { machine } = new Solo(0)
      restore(machine, major, everything, { ...here, clockOffset })
      expect(encodeWebhook(machine, major, clockOffset)).toBe(everything)
    }
  })

  it("moves the times of this process and no others, to the safe side", () => {
    const { machine } = new Solo(0)
    restore(machine, major, everything, { ...here, maxClockError: 10 })
    const before = numbersOf(JSON.parse(everything))
    const after = numbersOf(JSON.parse(encodeWebhook(machine, major, 1000)!))
    const moved: Record<string, Array<string>> = { "990": [], "1010": [] }
    for (const [path, value] of before) {
      const by = after.get(path)! - value
      // The uncertainty of a reset is known without that of the clocks.
      if (by === 0 || path.startsWith("buckets.0.roundTrip")) continue
      expect(Object.keys(moved)).toContain(String(by))
      moved[by]?.push(path)
    }
    expect(moved).toEqual({ "990": earlier, "1010": later })
  })

  it("contains no token", () => {
    const token = "kZ9-secret"
    const secret = route({ token })
    const solo = new Solo(0)
    solo.machine.settle(solo.submit(secret, adaptive), ok(), 100)
    const gone = response({ status: 401, code: 50027, message: "Invalid Webhook Token" })
    solo.machine.update(secret, gone, 9000)
    const text = encodeWebhook(solo.machine, secret.major, 0)!
    expect(text).toContain("Invalid Webhook Token")
    expect(text).not.toContain(token)
    expect(text).not.toContain(Route.digest(Redacted.make(token)))
  })

  it("has what a webhook has inherited from another", () => {
    const solo = Solo.usual()
    const other = route({ webhookId: "2" })
    solo.machine.learning.webhooks.getRouteState(other)
    const text = encodeWebhook(solo.machine, other.major, 0)!
    expect(text).toContain('"inherited":true')
    const { machine } = soloWith(other.major, text, 9000)
    const [bucket] = machine.learning.webhooks.getWebhook(other).buckets
    expect(bucket?.findingsOf(adaptive)).toMatchObject({ hiddenLimit: 3, hiddenPeriod: 60_000 })
  })

  it("makes waiting requests of a deleted webhook fail", () => {
    const { machine } = Solo.usual()
    machine.update(
      route(),
      response({ status: 404, code: 10015, message: "Unknown Webhook" }),
      9000,
    )
    const text = encodeWebhook(machine, major, 0)!
    const other = Solo.usual()
    const request = other.submit(route(), adaptive)
    expect(request.result).toBe(undefined)
    restore(other.machine, major, text, { ...here, now: 9000 })
    expect(request.result).toMatchObject({ _tag: "Failure" })
    expect(JSON.stringify(request.result)).toContain("Unknown Webhook")
  })

  it("is nothing for an unused webhook", () => {
    expect(encodeWebhook(new Solo(0).machine, major, 0)).toBe(undefined)
  })
})

describe("a memory of a custom policy", () => {
  const make = (data?: PolicyData<number>) =>
    Strategy.make<number>({
      name: "gentle",
      initial: -1e9,
      shouldWait: (bucket, now) => now < bucket.memory + 1000,
      calculateWait: (bucket, now) => bucket.memory + 1000 - now,
      observe: (sentAt, event) => (event._tag === "Sent" ? event.at : sentAt),
      data,
    })
  const gentle = make()
  const shared = make({ schema: Schema.JsonNumber, shift: (at, millis) => at + millis })
  const usedBy = (policy: Policy, at = 5000) => {
    const solo = new Solo(at)
    solo.exchange(policy, 0)
    solo.exchange(policy, 0)
    return solo
  }
  const startWith = (policy: Policy, text: string) => {
    const solo = new Solo(6100)
    restore(solo.machine, major, text, { ...here, now: 6100, policies: [policy] })
    return solo.start(route().name, major, policy)
  }

  it("is passed on with its times on the other clock", () => {
    const text = encodeWebhook(usedBy(shared).machine, major, 0)!
    expect(text).toContain('{"policy":"gentle","data":6000}')
    expect(startWith(shared, text)).toBe(7000)
  })

  it("stays in its process without a codec", () => {
    const text = encodeWebhook(usedBy(gentle).machine, major, 0)!
    expect(text).not.toContain("gentle")
    expect(startWith(gentle, text)).toBe(6100)
    const own = usedBy(gentle)
    restore(own.machine, major, text, { ...here, now: 6100 })
    own.now = 6100
    expect(own.start(route().name, major, gentle)).toBe(7000)
  })

  it("starts from the beginning where its codec throws or is wrong", () => {
    const text = encodeWebhook(usedBy(shared).machine, major, 0)!
    const throws = () => {
      throw new Error("no")
    }
    const isWrong = Schema.JsonNumber.pipe(Schema.negative())
    for (const data of [{ schema: Schema.JsonNumber, shift: throws }, { schema: isWrong }]) {
      const broken = make(data)
      expect(startWith(broken, text)).toBe(6100)
      expect(encodeWebhook(usedBy(broken).machine, major, 0)).toContain('"memories":[]')
    }
  })
})

describe("a damaged text", () => {
  const isLeft = (text: string) => {
    const { machine } = Solo.usual()
    const result = restoreWebhook(machine, major, text, { ...here, now: 9000 })
    if (Either.isLeft(result)) expect(encodeWebhook(machine, major, 0)).toBe(golden)
    return Either.isLeft(result)
  }

  it("is an error and changes nothing when it is cut off", () => {
    // Every end in CI, a fifth of them while typing.
    const stride = isThorough ? 1 : 5
    for (let end = 0; end < golden.length; end += stride)
      expect(isLeft(golden.slice(0, end))).toBe(true)
  })

  it("never throws, whatever was edited, and the machine goes on", () => {
    const edit = FastCheck.record({
      at: FastCheck.nat(golden.length),
      removed: FastCheck.nat(5),
      added: FastCheck.oneof(
        FastCheck.string({ maxLength: 4 }),
        FastCheck.constantFrom("1e999", "null", "-1", "[]", "{}", '"x"', "9e15"),
      ),
    })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let text = golden
        for (const { added, at, removed } of edits)
          text = text.slice(0, at) + added + text.slice(at + removed)
        if (isLeft(text)) return
        const solo = soloWith(major, text, 9000)
        for (const policy of policies) solo.start(route().name, major, policy)
      }),
      { numRuns: runs(3000) },
    )
  })

  it.each([
    ["a megabyte of something else", "x".repeat(1e6)],
    ["a megabyte of JSON", JSON.stringify(Array.from({ length: 1e5 }, (_, index) => index))],
    ["a newer version", golden.replace('"v":1', '"v":2')],
    ["a missing field", golden.replace(/"isKnown":true,/, "")],
    ["an infinite instant", golden.replace(/"openedAt":\d+/, '"openedAt":1e999')],
  ])("is an error: %s", (_name, text) => {
    expect(isLeft(text)).toBe(true)
  })

  it("is accepted with unknown fields", () => {
    const more = golden.replaceAll('{"', '{"later":{"than":[1]},"')
    const { machine } = soloWith(major, more, 9000)
    expect(encodeWebhook(machine, major, 0)).toBe(golden)
  })
})

describe("the state that a dead process left", () => {
  it("grants nothing before one period is over", () => {
    FastCheck.assert(
      FastCheck.property(traces, (trace) => {
        play(trace, ({ clock, machine }) => {
          for (const { bucket, name } of routesOf(machine)) {
            const { limit, period } = bucket
            const key = bucket.webhook.major
            for (const policy of policies) {
              const solo = soloWith(key, encodeWebhook(machine, key, 0)!, clock)
              assumeUsed(solo.machine.learning.webhooks.getWebhook(bucket.webhook), clock)
              const hidden = bucket.findingsOf(adaptive).hiddenPeriod ?? 0
              const until = Math.max(hidden, limit === undefined ? 0 : (period ?? 0))
              expect(solo.start(name, key, policy)).toBeGreaterThanOrEqual(clock + until)
            }
          }
        })
      }),
      { numRuns: runs(500) },
    )
  })

  it("causes no 429, whatever the dead process has sent", () => {
    FastCheck.assert(
      FastCheck.property(
        steadily,
        FastCheck.integer({ min: 5000, max: 20_000 }),
        FastCheck.nat(8),
        (scenario, at, sent) => {
          const jobs = scenario.jobs.map((job) => ({ ...job, webhook: 0, route: "POST" as const }))
          const model = new ModelRun(scenario.server, jobs, withoutLimits)
          let refused = 0
          model.at(at, () => {
            if (model.machine.snapshot(at).inFlight + model.machine.snapshot(at).waiting > 0) return
            const texts = encodeAll(model)
            if (texts.length === 0) return
            for (let count = 0; count < sent; count += 1) model.server.handle("0", "POST", at)
            refused = model.server.refused
            const to = model.replaceMachine(0)
            for (const [key, text] of texts) restore(to, key, text, { ...here, now: at })
            for (const webhook of to.learning.webhooks.unpacked.values()) assumeUsed(webhook, at)
          })
          expect(model.play().server.refused).toBe(refused)
        },
      ),
      { numRuns: runs(2000) },
    )
  })

  it("gives a custom policy a request whose outcome is unknown", () => {
    const seen: Array<string> = []
    const policy: Policy = {
      ...proactive,
      name: "curious",
      observe: (memory, { _tag }) => {
        seen.push(_tag)
        return memory
      },
      findings: () => ({ hiddenPeriod: 7000 }),
    }
    const solo = new Solo(0)
    solo.exchange(policy, 0)
    seen.length = 0
    const { now } = solo
    assumeUsed(solo.machine.learning.webhooks.getWebhook(route()), now)
    expect(seen).toEqual(["Sent", "Unknown"])
    expect(solo.start(route().name, major, policy)).toBe(now + 7000)
  })
})

/** The numbers in a JSON value by their path. */
function numbersOf(json: object, path = "", all = new Map<string, number>()) {
  for (const [key, value] of Object.entries(json)) {
    if (typeof value === "number") all.set(path + key, value)
    else if (typeof value === "object") numbersOf(value, `${path}${key}.`, all)
  }
  return all
}

function routesOf({ learning: { webhooks } }: StateMachine) {
  return [...webhooks.unpacked.values()].flatMap(({ routes }) => routes)
}
