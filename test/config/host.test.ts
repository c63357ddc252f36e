/** Who decides the host of requests receives the tokens in their URLs. */
import { describe, expect, it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { DiscordConfig } from "../../src/index.js"
import { token, webhookUrl, within } from "./sources.js"

const yaml = (baseUrl: string, more = "") => `client:\n  base_url: ${baseUrl}\n${more}`

const load = (text: string, variables: Record<string, string> = {}) =>
  DiscordConfig.loadYaml(text, "discord.yaml").pipe(
    Effect.match({ onFailure: ({ message }) => message, onSuccess: () => "loaded" }),
    within(variables),
  )

describe("base_url of Discord", () => {
  it.effect.each([
    "https://discord.com",
    "https://canary.discord.com/v10",
    "https://discord.com/apis",
  ])("is that of the API: not %s", (url) =>
    Effect.gen(function* () {
      const said = yield* load(yaml(url))
      expect(said).toMatch(
        /^discord\.yaml:2: client\.base_url: is an address of Discord, but not of its API; use https:\/\/(canary\.)?discord\.com\/api\/v10$/,
      )
    }),
  )

  it.effect.each([
    "https://discord.com/api",
    "https://discordapp.com/api/v9/",
    "https://proxy.example",
  ])("is accepted: %s", (url) =>
    Effect.gen(function* () {
      expect(yield* load(yaml(url))).toBe("loaded")
    }),
  )
})

describe("base_url with http:", () => {
  it.effect.each([
    "http://localhost:8080/api",
    "http://discord.localhost/api",
    "http://127.0.0.1:1/api",
    "http://127.1.2.3/api",
    "http://[::1]:8080/api",
    "https://proxy.example/api",
  ])("is accepted on this machine, and https: anywhere: %s", (url) =>
    Effect.gen(function* () {
      expect(yield* load(yaml(url))).toBe("loaded")
    }),
  )

  it.effect.each([
    ["http://evil.example/api", "evil.example"],
    ["http://discord.com/api/v10", "discord.com"],
    ["http://proxy:8080/api", "proxy:8080"],
    ["http://localhost.evil.example/api", "localhost.evil.example"],
    ["http://127.0.0.1.evil.example/api", "127.0.0.1.evil.example"],
    ["http://10.0.0.1/api", "10.0.0.1"],
    ["http://0.0.0.0/api", "0.0.0.0"],
  ] as const)("is rejected on another one: %s", ([url, host]) =>
    Effect.gen(function* () {
      expect(yield* load(yaml(url))).toBe(
        `discord.yaml:2: client.base_url: sends the token of the webhook to ${host} over http, readable on the way; use https, or set client.allow_http to true if the network is trusted`,
      )
      expect(yield* load(yaml(url, "  allow_http: true\n"))).toBe("loaded")
      expect(yield* load(yaml(url), { DISCORD_CLIENT_ALLOW_HTTP: "true" })).toBe("loaded")
      expect(yield* load("", { DISCORD_CLIENT_BASE_URL: url })).toMatch(
        /^DISCORD_CLIENT_BASE_URL: /,
      )
    }),
  )

  it.effect("is named beside other mistakes of the environment", () =>
    Effect.gen(function* () {
      const said = yield* load(yaml("http://evil.example/api"), { DISCORD_CLIENT_TIMEOT: "5s" })
      expect(said).toMatch(/^2 mistakes/)
      expect(said).toContain("evil.example over http")
    }),
  )
})

describe("a host that is not Discord's", () => {
  const warnings = (text: string, variables: Record<string, string> = {}) =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const listener = Logger.make(({ logLevel, message }) => {
        if (logLevel._tag === "Warning") lines.push(String(message))
      })
      const client = HttpClient.make(() => Effect.never)
      yield* Layer.build(
        Layer.unwrapEffect(Effect.map(DiscordConfig.loadYaml(text), DiscordConfig.layer)).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
          Layer.provide(Logger.replace(Logger.defaultLogger, listener)),
        ),
      ).pipe(within({ DISCORD_WEBHOOK_URL: webhookUrl, ...variables }))
      return lines
    })

  it.scoped.each([
    ["https://evil.example:8443/api", "evil.example:8443"],
    ["http://127.0.0.1:8080/secret-path", "127.0.0.1:8080"],
    ["https://discord.com.evil.example/api", "discord.com.evil.example"],
  ] as const)("is named in one warning, without the rest of the URL: %s", ([url, host]) =>
    Effect.gen(function* () {
      const lines = yield* warnings(yaml(url, "logging: { level: none }\n"))
      expect(lines).toEqual([
        `Webhook requests, whose URLs hold the tokens, go to ${host} and not to Discord, because of client.base_url`,
      ])
      expect(lines.join()).not.toContain(token)
    }),
  )

  it.scoped("needs no warning for Discord's own, nor when nothing is sent", () =>
    Effect.gen(function* () {
      expect(yield* warnings("")).toEqual([])
      expect(yield* warnings(yaml("https://canary.discord.com/api"))).toEqual([])
      expect(yield* warnings(yaml("https://evil.example/api", "  dry_run: true\n"))).toEqual([])
    }),
  )

  it.scoped("is not used when a variable names Discord's", () =>
    Effect.gen(function* () {
      const pinned = { DISCORD_CLIENT_BASE_URL: "https://discord.com/api/v10" }
      expect(yield* warnings(yaml("https://evil.example/api"), pinned)).toEqual([])
    }),
  )
})
