import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { describe, expect } from "vitest"
import { Webhook } from "../../src/index.js"
import { makeMemoryVault, makeResolverVault, makeSealedVault } from "../../src/outbox/tokens.js"
import { finder, shown } from "../leak/detector.js"
import { runs } from "../support/laws.js"

const token = "Zk3-qP_v9xW.b2Tn7Lr-0hYc_5Jd8sMf1Gu6Ke4-AoXiBzQwVpEtRyHjNmCxDlSk"

const webhook = (id: string, secret = token) => Webhook.make({ id, token: secret })

const newKey = () => Redacted.make(randomBytes(32).toString("base64"))

const isLeak = finder(token)

describe("a sealed token", () => {
  it.effect("is opened with the key, and contains nothing of the token", () =>
    Effect.gen(function* () {
      const vault = yield* makeSealedVault([newKey()])
      const stored = yield* vault.seal(yield* webhook("42"))
      expect(stored.sealed).toMatch(/^v1\.[0-9a-f]{8}\./)
      const opened = yield* vault.open(stored)
      expect([vault, stored, opened].flatMap(shown).filter(isLeak)).toEqual([])
      expect(opened.id).toBe("42")
      expect(Redacted.value(opened.token)).toBe(token)
    }),
  )

  it.effect("is opened by a later process whose first key is a new one", () =>
    Effect.gen(function* () {
      const former = newKey()
      const before = yield* makeSealedVault([former])
      const after = yield* makeSealedVault([newKey(), former])
      const hook = yield* webhook("42")
      const stored = yield* before.seal(hook)
      expect(Redacted.value((yield* after.open(stored)).token)).toBe(token)
      const renewed = yield* after.seal(hook)
      expect(renewed.sealed?.split(".")[1]).not.toBe(stored.sealed?.split(".")[1])
      expect(yield* Effect.flip(before.open(renewed))).toMatchObject({
        message: expect.stringContaining("is not in the list of keys"),
      })
    }),
  )

  it.effect("is not opened with another key, for another webhook, or without its text", () =>
    Effect.gen(function* () {
      const vault = yield* makeSealedVault([newKey()])
      const other = yield* makeSealedVault([newKey()])
      const stored = yield* vault.seal(yield* webhook("42"))
      for (const attempt of [
        other.open(stored),
        vault.open({ ...stored, webhookId: "43" }),
        vault.open({ ...stored, sealed: undefined }),
        vault.open({ ...stored, sealed: "" }),
        vault.open({ ...stored, sealed: "v2.1.2.3" }),
        vault.open({ ...stored, sealed: stored.sealed?.replace(/[^.]+$/, "") }),
        vault.open({ ...stored, sealed: token }),
      ]) {
        expect(shown(yield* Effect.exit(attempt)).filter(isLeak)).toEqual([])
        yield* Effect.flip(attempt)
      }
    }),
  )

  it.effect.prop(
    "is not opened after any change of its text",
    [FastCheck.nat(), FastCheck.integer({ min: 33, max: 126 })],
    ([position, code]) =>
      Effect.gen(function* () {
        const vault = yield* makeSealedVault([newKey()])
        const stored = yield* vault.seal(yield* webhook("42"))
        const text = stored.sealed ?? ""
        const at = position % text.length
        const sealed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
        const bytes = (one: string) =>
          one.split(".").map((part) => Buffer.from(part, "base64").toString("hex"))
        const result = yield* Effect.either(vault.open({ ...stored, sealed }))
        if (result._tag === "Left") return
        // Base64 has spare bits, which change no byte.
        expect(bytes(sealed)).toEqual(bytes(text))
        expect(Redacted.value(result.right.token)).toBe(token)
      }),
    { fastCheck: { numRuns: runs(200) } },
  )

  it.effect("is sealed once for a webhook, and again for another token", () =>
    Effect.gen(function* () {
      const vault = yield* makeSealedVault([newKey()])
      const first = yield* vault.seal(yield* webhook("42"))
      expect(yield* vault.seal(yield* webhook("42"))).toBe(first)
      const other = yield* vault.seal(yield* webhook("42", `${token.slice(0, -1)}x`))
      expect(other.tokenDigest).not.toBe(first.tokenDigest)
      expect(other.sealed).not.toBe(first.sealed)
    }),
  )

  it.effect.each(["", "short", "x".repeat(44), randomBytes(16).toString("base64"), token])(
    "needs a key of 32 bytes in base64",
    (key) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(makeSealedVault([newKey(), Redacted.make(key)]))
        expect(error).toMatchObject({ _tag: "DiscordOutboxUnavailable", reason: "key" })
        expect(error.message).toContain("openssl rand -base64 32")
        if (key !== "") expect(shown(error).some((text) => text.includes(key))).toBe(false)
      }),
  )
})

describe("a resolver", () => {
  it.effect("provides the token; nothing of it is stored", () =>
    Effect.gen(function* () {
      const vault = makeResolverVault((id) => Effect.orDie(webhook(id)))
      const stored = yield* vault.seal(yield* webhook("42"))
      expect(stored.sealed).toBeUndefined()
      expect(Redacted.value((yield* vault.open(stored)).token)).toBe(token)
    }),
  )

  it.effect("that fails, or returns another webhook, makes the entries wait", () =>
    Effect.gen(function* () {
      for (const resolve of [
        // @effect-diagnostics-next-line globalErrorInEffectFailure:off
        () => Effect.fail(new Error(token)),
        () => Effect.orDie(webhook("43")),
      ]) {
        const vault = makeResolverVault(resolve)
        const stored = yield* vault.seal(yield* webhook("42"))
        const { message } = yield* Effect.flip(vault.open(stored))
        expect(isLeak(message)).toBe(false)
      }
    }),
  )
})

describe("the vault in memory", () => {
  it.effect("knows the webhooks of this process", () =>
    Effect.gen(function* () {
      const vault = makeMemoryVault()
      const hook = yield* webhook("42")
      const stored = yield* vault.seal(hook)
      expect(yield* vault.open(stored)).toBe(hook)
      expect(yield* Effect.flip(makeMemoryVault().open(stored))).toMatchObject({
        message: "this process has not used the webhook",
      })
    }),
  )
})
