/** What a configuration puts in force. */
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import {
  DiscordConfig,
  RateLimiter,
  RestConfig,
  Strategy,
  UploadLimits,
  Webhook,
} from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { webhookUrl, within } from "./sources.js"

const unreachable = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make(() => Effect.dieMessage("a request was sent")),
)

const layerOf = (yaml: string) =>
  Layer.unwrapEffect(Effect.map(DiscordConfig.loadYaml(yaml), DiscordConfig.layer))

/** Runs with what the YAML puts in force. */
const configured =
  (yaml: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(Effect.provide(layerOf(yaml)), within({}))

const options = (yaml: string) =>
  RestConfig.RestConfig.pipe(configured(yaml), Effect.provide(unreachable))

/** With durations that can be compared. */
const decoded = (settings: RestConfig.RestOptions) => ({
  ...settings,
  timeout: Duration.decode(settings.timeout),
  connectionTimeout: Duration.decode(settings.connectionTimeout ?? settings.timeout),
  backoffBase: Duration.decode(settings.backoffBase),
  backoffMax: Duration.decode(settings.backoffMax),
  maxWait: settings.maxWait === undefined ? undefined : Duration.decode(settings.maxWait),
})

const inForce = (yaml: string) => Effect.map(options(yaml), decoded)

describe("without any configuration", () => {
  it.effect("the settings are those that hold without this module", () =>
    Effect.gen(function* () {
      const untouched = decoded(yield* RestConfig.RestConfig)
      // Waiting for ever has two names.
      expect({ ...(yield* inForce("")), maxWait: undefined }).toEqual(untouched)
    }),
  )

  it.effect("the limiter is the one that the process has anyway", () =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const hook = yield* Webhook.fromUrl((yield* discord.createWebhook()).url)
      yield* Webhook.send(hook, { content: "x" }).pipe(configured(""))
      const { strategies } = yield* RateLimiter.RateLimiter.pipe(
        Effect.flatMap((limiter) => limiter.snapshot),
        Effect.provide(RateLimiter.layer),
      )
      expect(strategies).toMatchObject({ adaptive: { requests: 1 } })
    }).pipe(Effect.provide(DiscordSimulator.layerTest)),
  )

  it.effect("the strategy is adaptive", () =>
    Effect.gen(function* () {
      const { name } = yield* Strategy.Strategy.pipe(configured(""), Effect.provide(unreachable))
      expect(name).toBe("adaptive")
    }),
  )
})

describe("a configuration", () => {
  it.effect("sets base URL, timeouts and retries of requests", () =>
    Effect.gen(function* () {
      const settings = yield* inForce(`
client:
  base_url: http://localhost:8080/api
  timeout: 5s
  connection_timeout: 3s
  user_agent: mine
  retry: { max_retries: 7, on_ambiguous: resend }
  rate_limit: { backoff_base: 250ms, backoff_max: 2m, delivery: concurrent, max_wait: 10s }
`)
      expect(settings).toMatchObject({
        baseUrl: "http://localhost:8080/api",
        timeout: Duration.seconds(5),
        connectionTimeout: Duration.seconds(3),
        userAgent: "mine",
        maxRetries: 7,
        retry: "atLeastOnce",
        backoffBase: Duration.millis(250),
        backoffMax: Duration.minutes(2),
        delivery: "concurrent",
        maxWait: Duration.seconds(10),
      })
    }),
  )

  it.effect("sets the limits on files by preset, and single ones beside it", () =>
    Effect.gen(function* () {
      const { uploads } = yield* options("client: { uploads: { preset: boostTier2 } }")
      expect(uploads).toEqual(UploadLimits.presets.boostTier2)
      const own = yield* options(
        "client: { uploads: { preset: discord, max_files: 3, max_total_size: 40MB } }",
      )
      expect(own.uploads).toEqual({
        ...UploadLimits.presets.discord,
        maxFiles: 3,
        maxTotalBytes: 40_000_000,
      })
      const size = yield* options("client: { uploads: { max_file_size: 1MiB } }")
      expect(size.uploads).toEqual({ ...UploadLimits.presets.default, maxFileBytes: 1_048_576 })
    }),
  )

  it.effect.each(["adaptive", "proactive", "reactive"])("chooses the strategy %s", (strategy) =>
    Effect.gen(function* () {
      const { name } = yield* Strategy.Strategy.pipe(
        configured(`client: { rate_limit: { strategy: ${strategy} } }`),
        Effect.provide(unreachable),
      )
      expect(name).toBe(strategy)
    }),
  )

  it.effect.each([1, 1_000_000])("sets the global limit, to %d as well", (limit) =>
    Effect.gen(function* () {
      const config = `client: { rate_limit: { global_limit: ${limit} } }`
      yield* RateLimiter.RateLimiter.pipe(configured(config), Effect.provide(unreachable))
    }),
  )

  it.effect("that allows one request a second spreads three over two seconds", () =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const hooks = yield* Effect.forEach([1, 2, 3], () =>
        Effect.flatMap(discord.createWebhook(), ({ url }) => Webhook.fromUrl(url)),
      )
      const config = yield* DiscordConfig.loadYaml("client: { rate_limit: { global_limit: 1 } }")
      const sends = yield* Effect.forEach(hooks, (hook) => Webhook.send(hook, { content: "x" }), {
        concurrency: "unbounded",
      }).pipe(Effect.provide(DiscordConfig.layer(config)), Effect.fork)
      yield* TestClock.adjust("1900 millis")
      expect(yield* discord.traffic).toHaveLength(2)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(sends)
      expect(yield* discord.traffic).toHaveLength(3)
    }).pipe(Effect.provide(DiscordSimulator.layerTest)),
  )

  it.effect.each([
    [true, "are waited for, and no request is refused", 0],
    [false, "are not, and the refused requests go again", 2],
  ] as const)("with per_route_limit: %s the slots of a bucket %s", ([on, , refused]) =>
    Effect.gen(function* () {
      const discord = yield* DiscordSimulator.DiscordSimulator
      const webhook = yield* discord.createWebhook()
      const hook = yield* Webhook.fromUrl(webhook.url)
      const config = yield* DiscordConfig.loadYaml(
        `client: { rate_limit: { per_route_limit: ${on} } }`,
      )
      const sends = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => String(n)),
        (content) => Webhook.send(hook, { content }),
        { concurrency: "unbounded" },
      ).pipe(Effect.provide(DiscordConfig.layer(config)), Effect.fork)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(sends)
      const traffic = yield* discord.traffic
      expect(traffic.filter(({ status }) => status === 429)).toHaveLength(refused)
      const stored = (yield* discord.messages(webhook)).map(({ content }) => content)
      expect(stored).toEqual(Array.from({ length: 12 }, (_, n) => String(n)))
    }).pipe(Effect.provide(DiscordSimulator.layerTest)),
  )

  it.effect("with dry_run sends nothing, logs each request, and succeeds", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const ear = Logger.make(({ annotations, message }) => {
        lines.push(
          `${String(message)} ${JSON.stringify(Object.fromEntries(HashMap.toEntries(annotations)))}`,
        )
      })
      const message = yield* DiscordConfig.webhook.pipe(
        Effect.flatMap((hook) => Webhook.send(hook, { content: "hello" })),
        configured(`client: { dry_run: true, webhook_url: "${webhookUrl}" }`),
        Effect.provide([unreachable, Logger.add(ear)]),
      )
      expect(message.content).toBe("hello")
      expect(lines).toHaveLength(1)
      expect(lines.join()).toContain("hello")
    }),
  )

  it.effect("that does not leaves the client as it is", () =>
    Effect.gen(function* () {
      const given = yield* HttpClient.HttpClient
      expect(yield* HttpClient.HttpClient.pipe(configured(""))).toBe(given)
    }).pipe(Effect.provide(unreachable)),
  )
})

describe("DiscordConfig.webhook", () => {
  it.effect("is the webhook of the settings, and leaves the program's ConfigProvider alone", () =>
    Effect.gen(function* () {
      const config = yield* within({ DISCORD_WEBHOOK_URL: webhookUrl })(DiscordConfig.load)
      const [hook, own, text] = yield* Effect.all([
        DiscordConfig.webhook,
        Webhook.config("DISCORD_WEBHOOK_URL"),
        Config.string("OTHER"),
      ]).pipe(
        Effect.provide(Layer.provide(DiscordConfig.layer(config), unreachable)),
        within({
          DISCORD_WEBHOOK_URL: "https://discord.com/api/webhooks/42/abc",
          OTHER: "unchanged",
        }),
      )
      expect(hook.id).toBe("1234")
      expect(own.id).toBe("42")
      expect(text).toBe("unchanged")
    }),
  )

  it.effect("is the one of the environment, if the file has another", () =>
    Effect.gen(function* () {
      const hook = yield* DiscordConfig.webhook.pipe(
        Effect.provide(
          Layer.provide(layerOf(`client: { webhook_url: "${webhookUrl}" }`), unreachable),
        ),
        within({ DISCORD_WEBHOOK_URL: "https://discord.com/api/webhooks/42/abc" }),
      )
      expect(hook.id).toBe("42")
    }),
  )

  it.effect("fails with what to set where neither names one", () =>
    Effect.gen(function* () {
      const error = yield* DiscordConfig.webhook.pipe(
        configured(""),
        Effect.provide(unreachable),
        Effect.flip,
      )
      expect(error.message).toMatch(/^DISCORD_WEBHOOK_URL: it is not set\. Set it to the URL/)
    }),
  )
})

describe("DiscordConfig.layerEnv", () => {
  it.effect("takes everything from the environment", () =>
    Effect.gen(function* () {
      const { name } = yield* Strategy.Strategy.pipe(
        Effect.provide(Layer.provide(DiscordConfig.layerEnv, unreachable)),
        within({ DISCORD_CLIENT_RATE_LIMIT_STRATEGY: "reactive" }),
      )
      expect(name).toBe("reactive")
    }),
  )

  it.effect("fails before anything is sent", () =>
    Effect.gen(function* () {
      const error = yield* Strategy.Strategy.pipe(
        Effect.provide(Layer.provide(DiscordConfig.layerEnv, unreachable)),
        within({ DISCORD_CLIENT_DRY_RUN: "perhaps" }),
        Effect.flip,
      )
      expect(error).toMatchObject({ _tag: "DiscordConfigurationError" })
    }),
  )
})
