import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { afterEach, vi } from "vitest"
import { DiscordConfig } from "../../src/index.js"
import { webhookUrl, within, written } from "./sources.js"

describe("the environment", () => {
  afterEach(() => vi.unstubAllEnvs())

  it.effect("that sets nothing leaves the defaults", () =>
    Effect.gen(function* () {
      const loaded = yield* within({})(DiscordConfig.load)
      expect(written(loaded)).toStrictEqual(written(DiscordConfig.defaults))
      expect(written(loaded)).toStrictEqual({
        client: {
          base_url: "https://discord.com/api/v10",
          allow_http: false,
          timeout: "30s",
          user_agent: "DiscordBot (https://www.npmjs.com/package/effect-discord, 0.1.0)",
          dry_run: false,
          retry: { max_retries: 3, on_ambiguous: "fail" },
          rate_limit: {
            strategy: "adaptive",
            global_limit: 50,
            per_route_limit: true,
            backoff_base: "1s",
            backoff_max: "1m",
            delivery: "ordered",
            max_wait: "forever",
          },
          uploads: { preset: "default" },
        },
        logging: {},
      })
    }),
  )

  it.effect("of the process is read, and unrelated variables are ignored", () =>
    Effect.gen(function* () {
      vi.stubEnv("DISCORD_CLIENT_RATE_LIMIT_STRATEGY", "reactive")
      vi.stubEnv("DISCORD_CLIENT_ID", "1234")
      vi.stubEnv("DISCORD_CLIENT_SECRET", "x")
      vi.stubEnv("DISCORD_TOKEN", "x")
      vi.stubEnv("DISCORD_WEBHOOK_URL_2", "x")
      vi.stubEnv("DISCORD_WEBHOOK_URI", "x")
      vi.stubEnv("DISCORD_CLIENT_WEBHOOK_URLS", "x")
      vi.stubEnv("DISCORD_CONFIG_FILE", "elsewhere.yaml")
      const { client } = yield* DiscordConfig.load.pipe(
        Effect.withConfigProvider(ConfigProvider.fromEnv()),
      )
      expect(client.rateLimit.strategy).toBe("reactive")
    }),
  )

  it.effect("of the process has its slips found, however the provider splits names", () =>
    Effect.gen(function* () {
      vi.stubEnv("DISCORD_CLIENT_RATE_LIMIT_STRATGY", "reactive")
      const found = yield* DiscordConfig.load.pipe(
        Effect.withConfigProvider(ConfigProvider.fromEnv()),
        Effect.flip,
      )
      expect(found.message).toBe(
        "DISCORD_CLIENT_RATE_LIMIT_STRATGY: is not a known variable; did you mean DISCORD_CLIENT_RATE_LIMIT_STRATEGY?",
      )
    }),
  )

  it.effect("has spaces around a value, and empty variables, which are not set", () =>
    Effect.gen(function* () {
      const loaded = yield* within({
        DISCORD_CLIENT_TIMEOUT: " 5s ",
        DISCORD_WEBHOOK_URL: "",
        DISCORD_LOGGING_LEVEL: " ",
        DISCORD_CLIENT_DRY_RUN: "TRUE",
      })(DiscordConfig.load)
      expect(written(loaded)).toMatchObject({
        client: { timeout: "5s", dry_run: true },
        logging: {},
      })
      expect(loaded.client).not.toHaveProperty("webhookUrl")
    }),
  )

  it.effect.each(["DISCORD_WEBHOOK_URL", "DISCORD_CLIENT_WEBHOOK_URL"])(
    "has the webhook in %s",
    (name) =>
      Effect.gen(function* () {
        const loaded = yield* within({ [name]: webhookUrl })(DiscordConfig.load)
        expect(written(loaded)).toMatchObject({ client: { webhook_url: webhookUrl } })
      }),
  )

  it.effect("may have the webhook under both names, if it is the same", () =>
    Effect.gen(function* () {
      const names = { DISCORD_WEBHOOK_URL: webhookUrl, DISCORD_CLIENT_WEBHOOK_URL: webhookUrl }
      const loaded = yield* within(names)(DiscordConfig.load)
      expect(written(loaded)).toMatchObject({ client: { webhook_url: webhookUrl } })
    }),
  )

  it.effect("overrides the file key by key", () =>
    Effect.gen(function* () {
      const yaml = "client: { timeout: 5s, rate_limit: { strategy: proactive, global_limit: 10 } }"
      const loaded = yield* within({
        DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: "20",
        DISCORD_LOGGING_FORMAT: "json",
      })(DiscordConfig.loadYaml(yaml))
      expect(written(loaded)).toMatchObject({
        client: { timeout: "5s", rate_limit: { strategy: "proactive", global_limit: 20 } },
        logging: { format: "json" },
      })
    }),
  )

  it.effect("overrides in sections that the file leaves empty", () =>
    Effect.gen(function* () {
      const loaded = yield* within({ DISCORD_CLIENT_RETRY_MAX_RETRIES: "7" })(
        DiscordConfig.loadYaml("client:\n  retry:\nlogging:\n"),
      )
      expect(loaded.client.retry.maxRetries).toBe(7)
    }),
  )
})
