import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { FileUpload, Webhook } from "../../src/index.js"
import { Outbox } from "../../src/outbox/index.js"
import type { OutboxError } from "../../src/outbox/index.js"
import { Fault } from "../../src/testing/index.js"
import { contents, newHook, sends } from "../scenarios/harness.js"
import { isThorough } from "../support/laws.js"
import { logsOf, sendMany, withOutbox } from "./setup.js"

describe("the outbox in memory", () => {
  it.effect("sends the entries of a webhook in the order of acceptance", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const ids = yield* sendMany(hook, 20)
        const delivered = yield* Effect.forEach(ids, Outbox.await)
        const messages = yield* simulator.messages(made)
        expect(contents(messages)).toEqual(ids.map((_, index) => String(index)))
        expect(delivered.map(({ messageId }) => messageId)).toEqual(messages.map(({ id }) => id))
        const stats = yield* Outbox.stats
        expect(stats).toMatchObject({ ready: 0, sending: 0, sent: 20, dead: 0 })
      }),
    ),
  )

  it.effect("edits and deletes what another entry sends", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const first = yield* Outbox.send(hook, { content: "one" })
        const second = yield* Outbox.send(hook, { content: "two" })
        const edit = yield* Outbox.edit(hook, first, { content: "one, edited" })
        const removal = yield* Outbox.delete(hook, second)
        yield* Outbox.await(removal)
        expect(contents(yield* simulator.messages(made))).toEqual(["one, edited"])
        expect((yield* Outbox.get(edit)).messageId).toBe((yield* Outbox.get(first)).messageId)
      }),
    ),
  )

  it.effect("edits and deletes messages by their ids", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const ids = yield* sendMany(hook, 2)
        const [kept, removed] = yield* Effect.forEach(ids, Outbox.await)
        yield* Outbox.edit(hook, kept?.messageId ?? "", { content: "edited" })
        const removal = yield* Outbox.delete(hook, removed?.messageId ?? "")
        yield* Outbox.await(removal)
        expect(contents(yield* simulator.messages(made))).toEqual(["edited"])
      }),
    ),
  )

  it.effect("creates a thread, and edits and deletes in it by the ids of the entries", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const made = yield* simulator.createWebhook({ channel: "forum" })
        const hook = yield* Webhook.fromUrl(made.url)
        const thread = yield* Outbox.createThread(hook, { name: "Release" }, { content: "notes" })
        yield* Outbox.edit(hook, thread, { content: "better notes" })
        const { channelId } = yield* Outbox.await(thread)
        const reply = yield* Outbox.send(
          hook,
          { content: "thanks" },
          { threadId: channelId ?? null },
        )
        const removal = yield* Outbox.delete(hook, reply)
        yield* Outbox.await(removal)
        expect(contents(yield* simulator.messages(made))).toEqual(["better notes"])
        expect(yield* simulator.threads(made)).toMatchObject([{ id: channelId, name: "Release" }])
      }),
    ),
  )

  it.effect("stores files, sends them, and replaces them by an edit", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const first = yield* Outbox.send(hook, {
          content: "log",
          files: [FileUpload.fromText("a.txt", "hello")],
        })
        yield* Outbox.await(first)
        const [file] = yield* simulator.files(made)
        expect(file).toMatchObject({ filename: "a.txt" })
        expect(new TextDecoder().decode(file?.bytes)).toBe("hello")
        const edit = yield* Outbox.edit(hook, first, {
          files: [FileUpload.fromText("b.txt", "bye")],
        })
        yield* Outbox.await(edit)
        expect((yield* simulator.files(made)).map(({ filename }) => filename)).toContain("b.txt")
        expect(yield* Outbox.get(first)).toMatchObject({ files: 1, state: "sent" })
      }),
    ),
  )

  it.effect("repeats a file after a failure", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.inject(Fault.refuseConnection, { times: 2 })
        const id = yield* Outbox.send(hook, { files: [FileUpload.fromText("a.txt", "hello")] })
        yield* Outbox.await(id)
        expect(yield* Outbox.get(id)).toMatchObject({ attempts: 3, inDoubt: 0 })
        expect(yield* simulator.files(made)).toHaveLength(1)
      }),
    ),
  )
})

describe("a key", () => {
  it.effect("stores an entry once, also from many fibers at the same time", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const send = Outbox.send(hook, { content: "order 7" }, { key: "order-7" })
        const ids = yield* Effect.replicateEffect(send, 20, { concurrency: "unbounded" })
        expect(new Set(ids).size).toBe(1)
        yield* Outbox.await(ids[0] ?? "")
        expect(yield* send).toBe(ids[0])
        expect(yield* simulator.messages(made)).toHaveLength(1)
      }),
    ),
  )

  it.effect("of another content, operation, file or webhook is a conflict", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        const { hook: other } = yield* newHook(simulator)
        const options = { key: "order-7" }
        const text = (content: string) => [FileUpload.fromText("a.txt", content)]
        const id = yield* Outbox.send(hook, { content: "x", files: text("1") }, options)
        expect(yield* Outbox.send(hook, { content: "x", files: text("1") }, options)).toBe(id)
        for (const attempt of [
          Outbox.send(hook, { content: "y", files: text("1") }, options),
          Outbox.send(hook, { content: "x", files: text("2") }, options),
          Outbox.send(hook, { content: "x" }, options),
          Outbox.send(other, { content: "x", files: text("1") }, options),
          Outbox.delete(hook, id, options),
        ]) {
          const error = yield* Effect.flip(attempt)
          expect(error).toMatchObject({ _tag: "DiscordOutboxKeyConflict", key: "order-7", id })
          expect(error.message).toContain("order-7")
        }
        expect(yield* Outbox.list()).toHaveLength(1)
      }),
    ),
  )

  it.effect("is free again after the entry was discarded", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook } = yield* newHook(simulator)
          yield* Outbox.pause()
          const id = yield* Outbox.send(hook, { content: "x" }, { key: "k" })
          expect(yield* Outbox.discard(id)).toBe(1)
          const next = yield* Outbox.send(hook, { content: "y" }, { key: "k" })
          expect(next).not.toBe(id)
          yield* Outbox.resume()
        }),
      {},
    ),
  )
})

describe("an invalid entry is rejected before it is stored", () => {
  type Attempt = (
    hook: Webhook.Webhook,
  ) => Effect.Effect<string, OutboxError.EnqueueError, Outbox.Outbox>
  it.effect.each<readonly [string, string, Attempt]>([
    ["Outbox.send", "content", (hook) => Outbox.send(hook, { content: "x".repeat(2001) })],
    ["Outbox.edit", "content", (hook) => Outbox.edit(hook, "1", { content: "x".repeat(2001) })],
    ["Outbox.edit", "messageId", (hook) => Outbox.edit(hook, "no id", { content: "x" })],
    ["Outbox.delete", "messageId", (hook) => Outbox.delete(hook, "no id")],
    [
      "Outbox.createThread",
      "name",
      (hook) => Outbox.createThread(hook, { name: "" }, { content: "x" }),
    ],
    ["Outbox.send", "key", (hook) => Outbox.send(hook, { content: "x" }, { key: "" })],
    ["Outbox.send", "key", (hook) => Outbox.send(hook, { content: "x" }, { key: "k".repeat(201) })],
    [
      "Outbox.send",
      "expires",
      (hook) => Outbox.send(hook, { content: "x" }, { expires: Infinity }),
    ],
    [
      "Outbox.send",
      "notBefore",
      (hook) => Outbox.send(hook, { content: "x" }, { notBefore: Infinity }),
    ],
  ])("%s: %s", ([operation, field, attempt]) =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        const error = yield* Effect.flip(attempt(hook))
        expect(error).toMatchObject({ _tag: "WebhookValidationError", operation })
        expect(error.message).toContain(operation)
        expect(error.message).toContain(field)
        expect(yield* Outbox.list()).toEqual([])
      }),
    ),
  )

  it.effect("files over maxStoredBytes", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook } = yield* newHook(simulator)
          const files = [FileUpload.fromText("a.txt", "12345"), FileUpload.fromText("b.txt", "678")]
          const error = yield* Effect.flip(Outbox.send(hook, { files }))
          expect(error).toMatchObject({
            _tag: "WebhookFileError",
            size: 8,
            limit: 7,
            delivered: "no",
          })
          expect(yield* Outbox.list()).toEqual([])
        }),
      { outbox: { maxStoredBytes: 7 } },
    ),
  )

  it.effect("options out of range", () =>
    Effect.gen(function* () {
      for (const [setting, option] of [
        [{ outbox: { capacity: { perWebhook: 0 } } }, "capacity.perWebhook"],
        [{ outbox: { pollInterval: Number.NaN } }, "pollInterval"],
        [{ worker: { concurrency: 0 } }, "concurrency"],
        [{ worker: { lease: "10 millis" } }, "lease"],
        [{ worker: { pollInterval: 0 } }, "pollInterval"],
      ] as const) {
        const error = yield* Effect.flip(withOutbox(() => Effect.void, setting))
        expect(error).toMatchObject({ _tag: "DiscordInvalidOption" })
        expect(error.message).toContain(option)
      }
    }),
  )
})

describe("an entry that refers to another one", () => {
  it.effect("is dead if there is no such entry, or if it belongs to another webhook", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook } = yield* newHook(simulator)
        const { hook: other } = yield* newHook(simulator)
        const elsewhere = yield* Outbox.send(other, { content: "x" })
        for (const target of ["outbox-0", elsewhere]) {
          const id = yield* Outbox.edit(hook, target, { content: "y" })
          const error = yield* Effect.flip(Outbox.await(id))
          expect(error).toMatchObject({ _tag: "DiscordOutboxDead", reason: "target", id })
          expect(error.message).toContain(target)
        }
      }),
    ),
  )

  it.effect("is dead if that one is dead, and later entries go on", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* simulator.inject(
          Fault.respond({ status: 400, body: { code: 50035, message: "no" } }),
        )
        const first = yield* Outbox.send(hook, { content: "x" })
        const removal = yield* Outbox.delete(hook, first)
        const last = yield* Outbox.send(hook, { content: "last" })
        yield* Outbox.await(last)
        const error = yield* Effect.flip(Outbox.await(first))
        expect(error).toMatchObject({ reason: "rejected", errorTag: "WebhookBadRequest" })
        expect(yield* Effect.flip(Outbox.await(removal))).toMatchObject({ reason: "target" })
        expect(contents(yield* simulator.messages(made))).toEqual(["last"])
      }),
    ),
  )
})

describe("time", () => {
  it.effect("an expired entry is not sent but dead", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        yield* Outbox.pause(made.id)
        const id = yield* Outbox.send(hook, { content: "x" }, { expires: "10 seconds" })
        const last = yield* Outbox.send(hook, { content: "last" }, { expires: "1 minute" })
        yield* Effect.sleep("11 seconds")
        yield* Outbox.resume(made.id)
        yield* Outbox.await(last)
        expect(yield* Effect.flip(Outbox.await(id))).toMatchObject({ reason: "expired" })
        expect(contents(yield* simulator.messages(made))).toEqual(["last"])
      }),
    ),
  )

  it.effect("an entry that expires during its back-off is dead at that time, not after it", () =>
    Effect.map(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const { hook } = yield* newHook(simulator)
            yield* simulator.inject(Fault.refuseConnection, { times: Infinity })
            const id = yield* Outbox.send(hook, { content: "x" }, { expires: "20 seconds" })
            const error = yield* Effect.flip(Outbox.await(id))
            expect(error).toMatchObject({ reason: "expired" })
          }),
        { worker: { backoff: { base: "1 hour", max: "1 hour" } } },
      ),
      ({ elapsed }) => {
        expect(elapsed).toBeGreaterThanOrEqual(20_000)
        expect(elapsed).toBeLessThan(22_000)
      },
    ),
  )

  it.effect("an entry is not sent before its time, and later ones of the webhook wait for it", () =>
    withOutbox((simulator) =>
      Effect.gen(function* () {
        const { hook, made } = yield* newHook(simulator)
        const { hook: other } = yield* newHook(simulator)
        yield* Outbox.send(hook, { content: "first" }, { notBefore: "10 seconds" })
        const second = yield* Outbox.send(hook, { content: "second" })
        yield* Outbox.await(yield* Outbox.send(other, { content: "elsewhere" }))
        yield* Outbox.await(second)
        expect(contents(yield* simulator.messages(made))).toEqual(["first", "second"])
        const [early, ...late] = sends(yield* simulator.traffic).map(({ arrivedAt }) => arrivedAt)
        expect(early).toBeLessThan(1000)
        for (const at of late) expect(at).toBeGreaterThanOrEqual(10_000)
      }),
    ),
  )

  it.effect("a retry waits at the head of its queue, with a growing back-off", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          yield* simulator.inject(Fault.refuseConnection, { times: 4 })
          const ids = yield* sendMany(hook, 3)
          yield* Effect.forEach(ids, Outbox.await)
          expect(contents(yield* simulator.messages(made))).toEqual(["0", "1", "2"])
          const [first] = yield* Outbox.list({ limit: 1 })
          expect(first).toMatchObject({ attempts: 5, inDoubt: 0, error: undefined })
        }),
      { worker: { backoff: { base: "2 seconds", max: "10 seconds" } } },
    ).pipe(
      Effect.map(({ elapsed }) => {
        // At least a half of 2, 4, 8 and 10 seconds.
        expect(elapsed).toBeGreaterThanOrEqual(12_000)
        expect(elapsed).toBeLessThan(30_000)
      }),
    ),
  )
})

describe("doubt", () => {
  it.effect.each(["resend", "hold"] as const)("is resolved by inDoubt: %s", (inDoubt) =>
    logsOf(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const { hook, made } = yield* newHook(simulator)
            yield* simulator.inject(Fault.resetAfter)
            const [first, last] = yield* sendMany(hook, 2)
            yield* Outbox.await(last ?? "")
            const entry = yield* Outbox.get(first ?? "")
            expect(entry).toMatchObject({ inDoubt: 1, state: inDoubt === "hold" ? "dead" : "sent" })
            const posted = contents(yield* simulator.messages(made))
            expect(posted).toEqual(inDoubt === "hold" ? ["0", "1"] : ["0", "0", "1"])
          }),
        { worker: { inDoubt } },
      ),
    ),
  )

  it.effect("is resolved by a function, which gets the entry", () =>
    logsOf(
      withOutbox(
        (simulator) =>
          Effect.gen(function* () {
            const { hook, made } = yield* newHook(simulator)
            yield* simulator.inject(Fault.resetAfter, { times: 2 })
            const ids = yield* sendMany(hook, 2)
            yield* Effect.forEach(ids, (id) => Effect.exit(Outbox.await(id)))
            expect(contents(yield* simulator.messages(made))).toEqual(["0", "1", "1"])
          }),
        {
          worker: {
            inDoubt: ({ body }) =>
              Effect.succeed(JSON.stringify(body).includes('"0"') ? "hold" : "resend"),
          },
        },
      ),
    ),
  )

  it.effect("does not exist for edits and deletions, which are repeated", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook, made } = yield* newHook(simulator)
          const ids = yield* sendMany(hook, 2)
          yield* Effect.forEach(ids, Outbox.await)
          yield* simulator.inject(Fault.resetAfter, { times: 2 })
          const edit = yield* Outbox.edit(hook, ids[0] ?? "", { content: "edited" })
          const removal = yield* Outbox.delete(hook, ids[1] ?? "")
          yield* Outbox.await(removal)
          expect(yield* Outbox.get(edit)).toMatchObject({ state: "sent", inDoubt: 0 })
          expect(contents(yield* simulator.messages(made))).toEqual(["edited"])
        }),
      { worker: { inDoubt: "hold" } },
    ),
  )
})

describe("await", () => {
  it.effect("fails for an entry that does not exist", () =>
    withOutbox(() =>
      Effect.gen(function* () {
        for (const one of [Outbox.await("outbox-1"), Outbox.get("outbox-1")]) {
          const error = yield* Effect.flip(Effect.asVoid(one))
          expect(error).toMatchObject({ _tag: "DiscordOutboxNotFound", id: "outbox-1" })
        }
      }),
    ),
  )

  it.effect("fails as soon as the entry is discarded", () =>
    Effect.map(
      withOutbox((simulator) =>
        Effect.gen(function* () {
          const { hook } = yield* newHook(simulator)
          yield* Outbox.pause()
          const id = yield* Outbox.send(hook, { content: "x" })
          const [error] = yield* Effect.all(
            [Effect.flip(Outbox.await(id)), Effect.delay(Outbox.discard(id), "10 minutes")],
            { concurrency: "unbounded" },
          )
          expect(error).toMatchObject({ _tag: "DiscordOutboxNotFound" })
        }),
      ),
      ({ elapsed }) => {
        expect(elapsed).toBeLessThan(Duration.toMillis("10 minutes") + 500)
      },
    ),
  )

  it.effect("serves hundreds of fibers", () =>
    withOutbox(
      (simulator) =>
        Effect.gen(function* () {
          const { hook } = yield* newHook(simulator)
          const count = isThorough ? 500 : 200
          const ids = yield* sendMany(hook, count)
          const delivered = yield* Effect.forEach(ids, Outbox.await, { concurrency: "unbounded" })
          expect(new Set(delivered.map(({ messageId }) => messageId)).size).toBe(count)
        }),
      { simulator: { limits: { execute: "none" }, globalLimit: "none" } },
    ),
  )
})
