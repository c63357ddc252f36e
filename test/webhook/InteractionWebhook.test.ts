import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import { describe, expect, expectTypeOf } from "vitest"
import {
  FollowUpCreate,
  InteractionWebhook,
  MessageFlags,
  RateLimiter,
  Strategy,
  Webhook,
} from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerProactive,
)

const credentials = { applicationId: "1234", token: "aW50ZXJhY3Rpb246c2VjcmV0" }

describe("make", () => {
  it.effect("hides the token, and compares by application and token", () =>
    Effect.gen(function* () {
      const interaction = yield* InteractionWebhook.make(credentials)
      for (const text of [String(interaction), JSON.stringify(interaction), inspect(interaction)]) {
        expect(text).not.toContain(credentials.token)
      }
      expect(String(interaction)).toBe("InteractionWebhook(1234)")
      expect(Equal.equals(interaction, yield* InteractionWebhook.make(credentials))).toBe(true)
    }),
  )

  it.effect("fails on what could not be part of a URL", () =>
    Effect.gen(function* () {
      const bad = [{ applicationId: "app" }, { token: "a/b" }, { token: ".." }]
      for (const part of bad) {
        const error = yield* Effect.flip(InteractionWebhook.make({ ...credentials, ...part }))
        expect(error._tag).toBe("WebhookInvalidUrl")
      }
    }),
  )
})

describe("what is wrong is named in the words of interactions:", () => {
  // Each is a type error, and untyped code may write it.
  const untyped = InteractionWebhook as unknown as Readonly<
    Record<string, (...args: ReadonlyArray<unknown>) => Webhook.Operation<unknown>>
  >
  const { deleteMessage, editMessage, getMessage, make, send } = untyped

  it.effect.each([
    [undefined, /takes \{ applicationId, token \}/],
    [{ application_id: "1", token: "a" }, /applicationId is not a snowflake/],
    [{ ...credentials, token: "a/b" }, /token .* invalid characters/],
    [{ ...credentials, token: undefined }, /the token is missing/],
    [{ ...credentials, threadId: "1" }, /no thread can be chosen/],
  ] as const)("make(%j)", ([options, reason]) =>
    Effect.gen(function* () {
      // @effect-diagnostics-next-line anyUnknownInErrorContext:off
      const error = yield* Effect.flip(make!(options))
      expect(error).toMatchObject({ _tag: "WebhookInvalidUrl", kind: "interaction" })
      expect(error.message).toMatch(reason)
      expect(error.message).toMatch(/application_id and the token of the interaction/)
      expect(error.message).not.toMatch(/URL|Edit Channel|Webhook\.make takes \{ id/)
    }).pipe(Effect.provide(layer)),
  )

  const message = { content: "x" }
  const thread = { threadId: "1" }
  const calls: ReadonlyArray<
    readonly [string, string, (to: unknown) => Webhook.Operation<unknown>]
  > = [
    ["send", "options.threadId", (to) => send!(to, message, thread)],
    ["getMessage", "options.threadId", (to) => getMessage!(to, "@original", thread)],
    ["editMessage", "options.threadId", (to) => editMessage!(to, "1", message, thread)],
    ["deleteMessage", "options.threadId", (to) => deleteMessage!(to, "1", thread)],
    ["send", "options.wait", (to) => send!(to, message, { wait: false })],
    ["send", "options", (to) => send!(to, message, "1")],
    ["send", "threadId", (to) => send!(to, { ...message, ...thread })],
    ["editMessage", "threadId", (to) => editMessage!(to, "1", { ...message, ...thread })],
  ]
  it.effect.each(calls)("%s with %s", ([, path, call]) =>
    Effect.gen(function* () {
      const interaction = yield* InteractionWebhook.make(credentials)
      // @effect-diagnostics-next-line anyUnknownInErrorContext:off
      const error = yield* Effect.flip(call(interaction))
      expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path }] })
      if (path.endsWith("threadId")) {
        expect(error.message).toMatch(/messages go where the command was used: .* Webhook\.send/)
      }
    }).pipe(Effect.provide(layer)),
  )

  it("options are a type error", () => {
    type Options = Parameters<typeof InteractionWebhook.send>[2]
    expectTypeOf<{ readonly threadId: string }>().not.toExtend<Options>()
    expectTypeOf<Options>().toEqualTypeOf<undefined>()
  })
})

describe("a follow-up", () => {
  it("has the type of what Discord supports here", () => {
    type Fields = keyof InteractionWebhook.FollowUpInput
    expectTypeOf<
      Extract<Fields, "username" | "avatarUrl" | "threadName" | "appliedTags">
    >().toEqualTypeOf<never>()
    expectTypeOf<"Ephemeral">().toExtend<
      Extract<NonNullable<FollowUpCreate.FollowUpCreate["flags"]>, ReadonlyArray<unknown>>[number]
    >()
    // An interaction is no webhook, nor the other way round.
    expectTypeOf<InteractionWebhook.InteractionWebhook>().not.toExtend<Webhook.Webhook>()
    expectTypeOf<Webhook.Webhook>().not.toExtend<InteractionWebhook.InteractionWebhook>()
  })

  it.effect("is Ephemeral by name or bit, which a webhook's message cannot be", () =>
    Effect.gen(function* () {
      const flags = ["Ephemeral", "SuppressEmbeds"] as const
      expect(yield* FollowUpCreate.encode({ content: "x", flags })).toMatchObject({ flags: 68 })
      const bits = MessageFlags.Flag.Ephemeral
      expect(yield* FollowUpCreate.encode({ content: "x", flags: bits })).toMatchObject({
        flags: 64,
      })
      const hook = yield* Webhook.make({ id: "1234", token: "abc" })
      const error = yield* Effect.flip(Webhook.send(hook, { content: "x", flags: bits }))
      expect(error).toMatchObject({ _tag: "WebhookValidationError", issues: [{ path: "flags" }] })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is validated like a message, and names fields that only a webhook's message has", () =>
    Effect.gen(function* () {
      const interaction = yield* InteractionWebhook.make(credentials)
      const issuesOf = (message: object) =>
        Effect.map(Effect.flip(InteractionWebhook.send(interaction, message)), (error) =>
          error._tag === "WebhookValidationError"
            ? error.issues.map(({ path }) => path)
            : [error._tag],
        )
      expect(yield* issuesOf({})).toEqual([""])
      expect(yield* issuesOf({ content: "x".repeat(2001) })).toEqual(["content"])
      expect(yield* issuesOf({ content: "x", username: "Ada" })).toEqual(["username"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("@original", () => {
  it.effect("is for interactions only", () =>
    Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "1234", token: "abc" })
      const error = yield* Effect.flip(Webhook.getMessage(hook, "@original"))
      expect(error).toMatchObject({
        _tag: "WebhookValidationError",
        issues: [{ path: "messageId" }],
      })
      const interaction = yield* InteractionWebhook.make(credentials)
      const wrong = yield* Effect.flip(InteractionWebhook.getMessage(interaction, "@other"))
      expect(wrong).toMatchObject({
        _tag: "WebhookValidationError",
        issues: [{ path: "messageId" }],
      })
    }).pipe(Effect.provide(layer)),
  )
})

describe("the token", () => {
  it.effect("expires after 15 minutes, and then nothing more is sent", () =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const interaction = yield* InteractionWebhook.make(yield* discord.createInteraction())
      const edit = InteractionWebhook.editMessage(interaction, "@original", { content: "x" })
      yield* edit
      yield* TestClock.adjust("15 minutes")
      const late = yield* Effect.flip(edit)
      expect(late).toMatchObject({ _tag: "WebhookInteractionError", reason: "expired" })
      expect(late.message).toContain("15 minutes")
      expect(Webhook.isDead(late)).toBe(true)
      expect(yield* Effect.flip(edit)).toMatchObject({ remembered: true })
      expect(yield* discord.traffic).toHaveLength(2)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not dead before the initial response", () =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const made = yield* discord.createInteraction({ response: "none" })
      const interaction = yield* InteractionWebhook.make(made)
      const edit = InteractionWebhook.editMessage(interaction, "@original", { content: "x" })
      const early = yield* Effect.flip(edit)
      expect(Webhook.isDead(early)).toBe(false)
      yield* discord.respond(made, { deferred: true })
      expect(Exit.isSuccess(yield* Effect.exit(edit))).toBe(true)
    }).pipe(Effect.provide(layer)),
  )
})
