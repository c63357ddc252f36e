import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { Outbox } from "../../src/outbox/index.js"
import { Fault } from "../../src/testing/index.js"
import { contents, newHook, sends } from "../scenarios/harness.js"
import { logsOf, sendMany, withOutbox } from "./setup.js"

const rejects = Fault.respond({ status: 400, body: { code: 50035, message: "no" } })

describe("the administration", () => {
  it.effect("retries dead entries at their former place, and no others", () =>
    logsOf(
      withOutbox((simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          yield* simulator.inject(rejects, { times: 2 })
          const ids = yield* sendMany(hook, 3)
          yield* Effect.forEach(ids, (id) => Effect.exit(Outbox.await(id)))
          expect(yield* Outbox.stats).toMatchObject({ dead: 2, sent: 1 })
          yield* Outbox.pause()
          const last = yield* Outbox.send(hook, { content: "last" })
          expect(yield* Outbox.retry(...[...ids].reverse(), last, "outbox-0")).toBe(2)
          yield* Outbox.resume()
          yield* Outbox.await(last)
          expect(contents(yield* simulator.messages(made))).toEqual(["2", "0", "1", "last"])
          expect(yield* Outbox.stats).toMatchObject({ dead: 0, sent: 4, ready: 0 })
        }),
      ),
    ),
  )

  it.effect("discards ready and dead entries, and no sent ones", () =>
    logsOf(
      withOutbox((simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          const [sent] = yield* sendMany(hook, 1)
          yield* Outbox.await(sent ?? "")
          yield* simulator.inject(rejects)
          const [dead] = yield* sendMany(hook, 1)
          yield* Effect.flip(Outbox.await(dead ?? ""))
          yield* Outbox.pause()
          const [ready, kept] = yield* sendMany(hook, 2)
          expect(yield* Outbox.discard(sent ?? "", dead ?? "", ready ?? "", "outbox-0")).toBe(2)
          yield* Outbox.resume()
          yield* Outbox.await(kept ?? "")
          expect(contents(yield* simulator.messages(made))).toEqual(["0", "1"])
          expect(yield* Outbox.stats).toMatchObject({ dead: 0, sent: 2 })
        }),
      ),
    ),
  )

  it.effect("pauses one webhook, while others go on", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const { hook: other } = yield* newHook(simulator)
        yield* Outbox.pause(made.id)
        const ids = yield* sendMany(hook, 3)
        yield* Effect.forEach(yield* sendMany(other, 3), Outbox.await)
        yield* Effect.sleep("1 minute")
        expect(yield* simulator.messages(made)).toEqual([])
        expect((yield* Outbox.stats).longest).toMatchObject([
          { webhookId: made.id, pending: 3, paused: true, oldest: Duration.minutes(1) },
        ])
        yield* Outbox.resume(made.id)
        yield* Effect.forEach(ids, Outbox.await)
      }),
    ),
  )

  it.effect("a pause in the middle lets the request in flight end, and starts no other", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          const ids = yield* sendMany(hook, 3)
          yield* Effect.sleep("50 millis")
          yield* Outbox.pause()
          yield* Effect.sleep("10 minutes")
          expect(sends(yield* simulator.traffic)).toHaveLength(1)
          expect(yield* Outbox.stats).toMatchObject({ sent: 1, sending: 0, ready: 2 })
          yield* Outbox.resume()
          yield* Effect.forEach(ids, Outbox.await)
          expect(contents(yield* simulator.messages(made))).toEqual(["0", "1", "2"])
          for (const id of ids) expect(yield* Outbox.get(id)).toMatchObject({ attempts: 1 })
        }),
      { simulator: { latency: "100 millis" } },
    ),
  )

  it.effect("resume without a webhook ends every pause", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* Outbox.pause()
        yield* Outbox.pause(made.id)
        const [id] = yield* sendMany(hook, 1)
        yield* Outbox.resume()
        yield* Outbox.await(id ?? "")
      }),
    ),
  )

  it.effect("lists pages in the order of acceptance, by state and webhook", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const { hook: other } = yield* newHook(simulator)
        const ids = yield* sendMany(hook, 5)
        yield* Effect.forEach(ids, Outbox.await)
        yield* Outbox.pause()
        const later = yield* sendMany(other, 2)
        const idsOf = (options: Outbox.ListOptions) =>
          Effect.map(Outbox.list(options), (entries) => entries.map(({ id }) => id))
        const first = yield* idsOf({ limit: 3 })
        const second = yield* idsOf({ limit: 3, after: first.at(-1) })
        const third = yield* idsOf({ limit: 3, after: second.at(-1) })
        expect([first, second, third]).toEqual([
          ids.slice(0, 3),
          [...ids.slice(3), later[0]],
          later.slice(1),
        ])
        expect(yield* idsOf({ limit: 3, after: later[1] })).toEqual([])
        expect(yield* idsOf({ state: "ready" })).toEqual(later)
        expect(yield* idsOf({ webhookId: made.id })).toEqual(ids)
        expect(yield* idsOf({ state: "sent", webhookId: other.id })).toEqual([])
        yield* Outbox.resume()
      }),
    ),
  )

  it.effect("the entries of a deleted webhook are dead, and no other webhook is held up", () =>
    logsOf(
      withOutbox((simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          const { hook: other } = yield* newHook(simulator)
          yield* simulator.deleteWebhook(made)
          const ids = yield* sendMany(hook, 50)
          yield* Effect.forEach(yield* sendMany(other, 5), Outbox.await)
          const errors = yield* Effect.forEach(ids, (id) => Effect.flip(Outbox.await(id)))
          expect(new Set(errors.map((error) => error._tag))).toEqual(new Set(["DiscordOutboxDead"]))
          expect(errors[0]).toMatchObject({ reason: "webhook", errorTag: "WebhookNotFound" })
          expect(errors[0]?.message.split(made.id)).toHaveLength(2)
          expect(errors[0]?.message).toMatch(/response 404.*; Outbox\.retry makes it ready again/)
          const later = yield* Outbox.send(hook, { content: "later" })
          expect(yield* Effect.flip(Outbox.await(later))).toMatchObject({ reason: "webhook" })
          const requests = sends(yield* simulator.traffic)
          expect(requests.filter(({ webhookId }) => webhookId === made.id)).toHaveLength(1)
        }),
      ),
    ),
  )

  it.effect("sweeps ended entries after their retention, and frees their keys", () =>
    logsOf(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const { hook } = yield* newHook(simulator)
            const [sent] = yield* sendMany(hook, 1, { key: "k" })
            yield* Outbox.await(sent ?? "")
            yield* simulator.inject(rejects)
            const [dead] = yield* sendMany(hook, 1)
            yield* Effect.flip(Outbox.await(dead ?? ""))
            yield* Outbox.pause()
            yield* sendMany(hook, 1)
            yield* Effect.sleep("59 minutes")
            expect(yield* Outbox.sweep).toBe(0)
            // The worker sweeps every 10 minutes.
            yield* Effect.sleep("12 minutes")
            expect(yield* Outbox.stats).toMatchObject({ sent: 0, dead: 1, ready: 1 })
            expect((yield* sendMany(hook, 1, { key: "k" }))[0]).not.toBe(sent)
            yield* Effect.sleep("1 hour")
            expect(yield* Outbox.stats).toMatchObject({ sent: 0, dead: 0, ready: 2 })
            expect(yield* Effect.flip(Outbox.get(dead ?? ""))).toMatchObject({
              _tag: "DiscordOutboxNotFound",
            })
            yield* Outbox.resume()
          }),
        {
          outbox: { retention: { sent: "1 hour", dead: "2 hours" } },
          worker: { lease: "5 minutes", pollInterval: "1 minute" },
        },
      ),
    ),
  )
})
