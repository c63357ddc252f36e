/** The settings of requests, and the hosts that they go to. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { RestConfig } from "../../src/index.js"
import { isDiscordHost, isLoopbackHost, resolveConfig } from "../../src/rest/request.js"

describe("RestConfig", () => {
  it.effect("is resolved once for each value", () =>
    Effect.gen(function* () {
      const options = {
        ...(yield* RestConfig.RestConfig),
        baseUrl: "http://localhost:8080/api/",
        maxWait: "2 seconds",
      } as const
      const settings = resolveConfig(options)
      expect(settings).toMatchObject({
        baseUrl: "http://localhost:8080/api",
        serverAddress: "localhost",
        serverPort: 8080,
        maxWait: Duration.seconds(2),
      })
      expect(resolveConfig(options)).toBe(settings)
      expect(resolveConfig({ ...options, baseUrl: "none" })).toMatchObject({
        serverAddress: "",
        serverPort: undefined,
      })
    }),
  )
})

describe("a host is known", () => {
  it.each([
    ["discord.com", true, false],
    ["ptb.discordapp.com", true, false],
    ["evildiscord.com", false, false],
    ["localhost", false, true],
    ["a.localhost", false, true],
    ["notlocalhost", false, false],
    ["127.0.0.1", false, true],
    ["128.0.0.1", false, false],
    ["[::1]", false, true],
  ])("%s", (hostname, isDiscord, isLoopback) => {
    expect([isDiscordHost(hostname), isLoopbackHost(hostname)]).toEqual([isDiscord, isLoopback])
  })
})
