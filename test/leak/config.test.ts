/** A secret in a configuration, at any key, is in no error and no log. */
import { it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { describe, expect } from "vitest"
import { DiscordConfig, Webhook, YamlConfigProvider } from "../../src/index.js"
import { putUnderEachKey } from "../config/sources.js"
import { recordedTexts, finder, makeRecorder, record, shown } from "./detector.js"
import { inTurns, runs } from "../support/laws.js"

const token = "Zk3-qP_v9xW.b2Tn7Lr-0hYc_5Jd8sMf1Gu6Ke4-AoXiBzQwVpEtRyHjNmCxDlSk"
const url = `https://discord.com/api/webhooks/42/${token}`

const provider = (variables: Readonly<Record<string, string>>) =>
  ConfigProvider.fromMap(new Map(Object.entries(variables)))

/** The result, and the recorded texts that contain a piece of the token. */
const leaks = <A, E>(
  effect: Effect.Effect<A, E>,
  variables: Readonly<Record<string, string>> = {},
) =>
  Effect.gen(function* () {
    const recorder = yield* makeRecorder
    const exit = yield* record(recorder, Effect.withConfigProvider(effect, provider(variables)))
    const texts = yield* recordedTexts(recorder)
    return { exit, found: texts.filter(finder(token)) }
  })

describe("the token is nowhere", () => {
  const forms = [url, token, `<${url}>`].map(putUnderEachKey)
  const wrong = forms
    .flatMap((form, turn) => inTurns(form, turn, forms.length))
    .filter(({ name }) => !["client.user_agent", "client.webhook_url"].includes(name))

  it.effect.each(wrong)("when it stands under $name", ({ variables, yaml }) =>
    Effect.gen(function* () {
      const inFile = yield* leaks(DiscordConfig.loadYaml(yaml))
      const inVariable = yield* leaks(DiscordConfig.load, variables)
      for (const { exit, found } of [inFile, inVariable]) {
        expect(exit._tag).toBe("Failure")
        expect(found).toEqual([])
      }
    }),
  )

  it.effect.each<readonly [place: string, yaml: string]>([
    ["under an unknown key", `token: ${token}`],
    ["under an unknown key of a section", `client:\n  webhook: ${url}`],
    ["as a key", `? ${url}\n: 1`],
    ["as a key that is there twice", `"${token}": 1\n"${token}": 2`],
    ["as a key inside of a section", `client:\n  "${token}": 1`],
    ["as a section", `client: ${token}`],
    ["as the whole file", url],
    ["in a list", `client: [${url}]`],
    ["in a section that should be a value", `client:\n  timeout:\n    ${token}: ${url}`],
    ["in a broken line", `client:\n  webhook_url ${url}\n  timeout: 5s`],
    ["in a broken text", `client:\n  webhook_url: "${url}`],
    ["in a bad escape", `client:\n  webhook_url: "${token}\\q"`],
    ["in brackets without end", `client: {webhook_url: ${url}`],
    ["as an alias", `client: *${token.replaceAll(".", "")}`],
    ["as a tag", `client: !${token} x`],
    ["as a directive", `%${token} ${url}\n---\nclient:`],
    ["on two lines", `client:\n  webhook_url: ${url}\n    ${token}`],
    [
      "as a webhook of another host",
      `client: { webhook_url: "https://evil.example/api/webhooks/42/${token}" }`,
    ],
    ["as a webhook without its host", `client: { webhook_url: "/api/webhooks/42/${token}" }`],
  ])("when it stands %s", ([, yaml]) =>
    Effect.gen(function* () {
      const { exit, found } = yield* leaks(DiscordConfig.loadYaml(yaml, "discord.yaml"))
      expect(exit._tag).toBe("Failure")
      expect(found).toEqual([])
    }),
  )

  it.effect("when two variables name two webhooks", () =>
    Effect.gen(function* () {
      const { exit, found } = yield* leaks(DiscordConfig.load, {
        DISCORD_WEBHOOK_URL: url,
        DISCORD_CLIENT_WEBHOOK_URL: `${url}?thread_id=1`,
      })
      expect(exit._tag).toBe("Failure")
      expect(found).toEqual([])
    }),
  )

  it.effect("when the configuration is right, and is shown, put in force and used", () =>
    Effect.gen(function* () {
      const config = yield* Effect.withConfigProvider(
        DiscordConfig.loadYaml(`client: { dry_run: true, webhook_url: "${url}" }`),
        provider({}),
      )
      expect(Redacted.value(config.client.webhookUrl ?? Redacted.make(""))).toBe(url)
      expect(shown(config).filter(finder(token))).toEqual([])
      const layer = Layer.provide(DiscordConfig.layer(config), FetchHttpClient.layer)
      const { exit, found } = yield* leaks(
        DiscordConfig.webhook.pipe(
          Effect.flatMap((hook) => Webhook.send(hook, { content: "hello" })),
          Effect.provide(layer),
        ),
      )
      expect(exit._tag).toBe("Success")
      expect(found).toEqual([])
      expect(shown(layer).filter(finder(token))).toEqual([])
    }),
  )

  it.effect.prop(
    "wherever it is in a text",
    [FastCheck.string({ maxLength: 30 }), FastCheck.string({ maxLength: 30 })],
    ([before, after]) =>
      Effect.gen(function* () {
        const text = `${before}${url}${after}`
        for (const read of [
          Effect.asVoid(DiscordConfig.loadYaml(text)),
          Effect.asVoid(YamlConfigProvider.fromText(text)),
        ]) {
          const { found } = yield* leaks(read)
          expect(found).toEqual([])
        }
      }),
    { fastCheck: { numRuns: runs(30) } },
  )
})
