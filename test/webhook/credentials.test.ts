import { it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { describe, expect } from "vitest"
import { Route, Webhook } from "../../src/index.js"

const secret = "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-abcd"
const url = `https://discord.com/api/webhooks/1234/${secret}`

describe("a webhook's credentials", () => {
  it.effect("come from a URL, with the thread it names", () =>
    Effect.gen(function* () {
      const hook = yield* Webhook.fromUrl(`${url}?thread_id=42`)
      expect(hook.id).toBe("1234")
      expect(Redacted.value(hook.token)).toBe(secret)
      expect(hook.tokenDigest).toBe(Route.digest(Redacted.make(secret)))
      expect(hook.threadId).toBe("42")
    }),
  )

  it.effect("come from their parts", () =>
    Effect.gen(function* () {
      const fromText = yield* Webhook.make({ id: "1234", token: secret })
      const fromRedacted = yield* Webhook.make({
        id: "1234",
        token: Redacted.make(secret),
        threadId: "42",
      })
      expect(Equal.equals(fromText, yield* Webhook.fromUrl(url))).toBe(true)
      expect(Equal.equals(fromRedacted, yield* Webhook.fromUrl(`${url}?thread_id=42`))).toBe(true)
      expect(Equal.equals(fromText, fromRedacted)).toBe(false)
    }),
  )

  it.effect.each([
    ["id", { id: "../1", token: secret }],
    ["token", { id: "1", token: "" }],
    ["token", { id: "1", token: "a/../b" }],
    ["token", { id: "1", token: ".." }],
    ["token", { id: "1", token: "a?b" }],
    ["threadId", { id: "1", token: secret, threadId: "1&wait=true" }],
  ] as const)("cannot have a wrong %s", ([reason, parts]) =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Webhook.make(parts))).toMatchObject({
        _tag: "WebhookInvalidUrl",
        reason,
      })
    }),
  )

  it.effect("come from the configuration", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromMap(new Map([["HOOK", url]]))
      const hook = yield* Webhook.config("HOOK").pipe(Effect.withConfigProvider(provider))
      expect(Equal.equals(hook, yield* Webhook.fromUrl(url))).toBe(true)
    }),
  )

  it.effect("that are configured wrongly name the key and the reason, not the value", () =>
    Effect.gen(function* () {
      const wrong = new Map([["HOOK", `https://evil.example/api/webhooks/1/${secret}`]])
      const exit = yield* Webhook.config("HOOK").pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(wrong)),
        Effect.exit,
      )
      expect(Exit.isFailure(exit)).toBe(true)
      expect(String(exit)).toContain("HOOK")
      expect(String(exit)).toContain("the host is not Discord's")
      expect(inspect(exit, { depth: 9 })).not.toContain(secret)
      const missing = yield* Webhook.config("HOOK").pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
        Effect.flip,
      )
      expect(String(missing)).toContain("HOOK")
    }),
  )

  it.effect("show the id, and never the token", () =>
    Effect.gen(function* () {
      const hook = yield* Webhook.fromUrl(url)
      expect(String(hook)).toBe("Webhook(1234)")
      expect(JSON.parse(JSON.stringify(hook))).toMatchObject({ id: "1234", token: "<redacted>" })
      for (const showHidden of [true, false]) {
        expect(inspect(hook, { depth: 9, showHidden })).not.toContain(secret)
        expect(inspect(hook, { depth: 9, showHidden, customInspect: false })).not.toContain(secret)
      }
    }),
  )
})
