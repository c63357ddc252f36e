import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import { describe, expect } from "vitest"
import type { Event } from "./network.js"
import { captureLogs } from "./captureLogs.js"

const headers = {
  "x-ratelimit-bucket": "abcd",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
}
const limited: Event = {
  answer: 429,
  headers: { ...headers, "x-ratelimit-scope": "shared" },
  body: { message: "slow", retry_after: 2.5, global: false },
}
const gone: Event = { answer: 404, body: { code: 10015, message: "Unknown Webhook" } }

describe("logs", () => {
  it.effect("contain nothing above debug for a successful request, and every step at debug", () =>
    Effect.gen(function* () {
      expect((yield* captureLogs([{ answer: 204 }], {}, LogLevel.Info)).logs).toEqual([])
      const { logs } = yield* captureLogs([{ answer: 204, headers }])
      expect(logs).toEqual([
        {
          level: "DEBUG",
          message: "Discord request",
          annotations: {
            "discord.route": "POST /webhooks/{webhook.id}/{webhook.token}",
            "discord.webhook.id": "42",
            "discord.attempt": 1,
            "discord.rate_limit.waited_ms": 7,
            "http.response.status_code": 204,
            "discord.rate_limit.bucket": "abcd",
            "discord.rate_limit.remaining": 4,
          },
        },
      ])
    }),
  )

  it.effect("warn of every 429, with its scope and delay, also of the last attempt", () =>
    Effect.gen(function* () {
      const { logs } = yield* captureLogs([limited], {}, LogLevel.Warning)
      expect(logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
        "WARN Rate limited",
        "WARN Rate limited",
      ])
      // `captureLogs` allows two 429s, and the last event is repeated.
      expect(logs.map(({ annotations }) => annotations["discord.attempt"])).toEqual([1, 2])
      expect(logs[0]?.annotations).toMatchObject({
        "http.response.status_code": 429,
        "discord.rate_limit.scope": "shared",
        "discord.rate_limit.retry_after_ms": 2500,
      })
    }),
  )

  it.effect("warn of every retry, with its reason", () =>
    Effect.gen(function* () {
      const script: ReadonlyArray<Event> = [
        { answer: 503 },
        { fails: "ENOTFOUND" },
        { answer: 204 },
      ]
      const { logs } = yield* captureLogs(script, { idempotent: true }, LogLevel.Warning)
      expect(logs.map(({ message }) => message)).toEqual([
        "Retrying after a failure: 503",
        "Retrying after a failure: dns",
      ])
      expect(logs[1]?.annotations).toMatchObject({ "error.type": "dns", "discord.attempt": 2 })
    }),
  )

  it.effect("warn of a webhook that is dead", () =>
    Effect.gen(function* () {
      for (const event of [gone, { ...gone, answer: 401, body: { code: 50027, message: "x" } }]) {
        const { logs } = yield* captureLogs([event], {}, LogLevel.Warning)
        expect(logs.map(({ message }) => message)).toEqual([
          "The webhook is dead; stop using its URL",
        ])
        expect(logs[0]?.annotations["discord.error.code"]).toBe(event === gone ? 10015 : 50027)
      }
      const { logs } = yield* captureLogs(
        [{ answer: 404, body: { code: 10008, message: "Unknown Message" } }],
        {},
        LogLevel.Warning,
      )
      expect(logs).toEqual([])
    }),
  )
})
