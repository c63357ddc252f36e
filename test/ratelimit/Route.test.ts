import * as Redacted from "effect/Redacted"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { Route } from "../../src/index.js"
import { route } from "./responses.js"

const fc = FastCheck
const token = fc.stringMatching(/^[A-Za-z0-9_-]{60,80}$/)

describe("Route", () => {
  it("is named by method and template, and distinguished by webhook and token", () => {
    expect(route({ webhookId: "7", method: "PATCH", template: "/x" })).toMatchObject({
      method: "PATCH",
      name: "PATCH /x",
      webhookId: "7",
    })
    expect(route({ webhookId: "7" }).major).not.toBe(route({ webhookId: "8" }).major)
    expect(route({ token: "a" }).major).not.toBe(route({ token: "b" }).major)
    expect(route().major).toBe(route({ method: "GET" }).major)
  })

  it("holds nothing of the token", () => {
    fc.assert(
      fc.property(token, (secret) => {
        const text = JSON.stringify(route({ token: secret }))
        for (let at = 0; at + 8 <= secret.length; at++) {
          expect(text).not.toContain(secret.slice(at, at + 8))
        }
      }),
    )
  })

  it("has a digest of at most seven characters, equal for equal tokens", () => {
    fc.assert(
      fc.property(token, (secret) => {
        const digest = Route.digest(Redacted.make(secret))
        expect(digest).toMatch(/^[0-9a-z]{1,7}$/)
        expect(Route.digest(Redacted.make(secret))).toBe(digest)
      }),
    )
  })
})
