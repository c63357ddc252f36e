import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { RestConfig } from "../../src/index.js"

describe("RestConfig", () => {
  it.effect("has defaults, and needs no layer", () =>
    Effect.gen(function* () {
      expect(yield* RestConfig.RestConfig).toMatchObject({
        baseUrl: "https://discord.com/api/v10",
        maxRetries: 3,
        retry: "safe",
        delivery: "ordered",
        maxWait: undefined,
        maxRateLimitAttempts: 5,
      })
    }),
  )

  it.effect("names this version to Discord", () =>
    Effect.gen(function* () {
      const { userAgent } = yield* RestConfig.RestConfig
      expect(userAgent).toMatch(/^DiscordBot \(https:\/\/[^ ,]+, [^ ,]+\)$/)
      expect(userAgent).toContain(`, ${manifest.version})`)
    }),
  )

  it.effect("is changed for an effect, the innermost last, the rest as it was", () =>
    Effect.gen(function* () {
      const seen = yield* RestConfig.RestConfig.pipe(
        RestConfig.withOptions({ maxRetries: 1 }),
        RestConfig.withOptions({ maxRetries: 2, retry: "atLeastOnce" }),
      )
      expect(seen).toMatchObject({ maxRetries: 1, retry: "atLeastOnce", delivery: "ordered" })
      expect((yield* RestConfig.RestConfig).maxRetries).toBe(3)
    }),
  )

  it.effect("is changed data-first as it is in a pipe", () =>
    Effect.gen(function* () {
      const options = { maxRetries: 1 }
      const seen = yield* RestConfig.withOptions(RestConfig.RestConfig, options)
      expect(seen).toEqual(yield* RestConfig.RestConfig.pipe(RestConfig.withOptions(options)))
      expect(seen.maxRetries).toBe(1)
    }),
  )

  it.effect("is changed by a layer, on top of another", () =>
    Effect.gen(function* () {
      const seen = yield* RestConfig.RestConfig.pipe(
        Effect.provide(
          Layer.provide(
            RestConfig.layerWith({ maxRetries: 1 }),
            RestConfig.layerWith({ maxRetries: 2, timeout: "5 seconds" }),
          ),
        ),
      )
      expect(seen).toMatchObject({ maxRetries: 1, timeout: "5 seconds", retry: "safe" })
    }),
  )
})
