/** The exact messages for invalid configurations. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as PathPatch from "effect/ConfigProviderPathPatch"
import * as Effect from "effect/Effect"
import { resolve } from "../../src/config/resolve.js"
import { DiscordConfig } from "../../src/index.js"
import { token, webhookUrl, within } from "./sources.js"

const said = (yaml: string, variables: Readonly<Record<string, string>> = {}) =>
  DiscordConfig.loadYaml(yaml, "discord.yaml").pipe(
    Effect.flip,
    Effect.map((error) => error.message),
    within(variables),
  )

const saidOfVariables = (variables: Readonly<Record<string, string>>) =>
  DiscordConfig.load.pipe(
    Effect.flip,
    Effect.map((error) => error.message),
    within(variables),
  )

const rateLimit = (line: string) => `client:\n  rate_limit:\n    ${line}`

const duration = "a duration such as 500ms, 30s or 1 minute"

describe("thousands of mistakes", () => {
  it.effect("are located once each, and only the first 100 are described", () =>
    Effect.gen(function* () {
      const count = 9000
      const root = Object.fromEntries(Array.from({ length: count }, (_, n) => [`wrong${n}`, 1]))
      let reads = 0
      const lineOf = () => ++reads
      const error = yield* Effect.flip(resolve({ name: "a.yaml", tree: { root, lineOf } }))
      expect([error.mistakes.length, error.omitted]).toEqual([100, count - 100])
      expect(reads).toBe(count + 100)
    }).pipe(within({})),
  )
})

describe("a file", () => {
  it.effect.each([
    // keys
    [
      "client:\n  timeot: 5s",
      "discord.yaml:2: client.timeot: is not a known key; did you mean timeout?",
    ],
    ["Client: {}", "discord.yaml:1: Client: is not a known key; did you mean client?"],
    [
      "strategy: adaptive",
      "discord.yaml:1: strategy: is not a known key; did you mean client.rate_limit.strategy?",
    ],
    [
      rateLimit("burst: 3"),
      "discord.yaml:3: client.rate_limit.burst: is not a known key; known here are strategy, global_limit, per_route_limit, backoff_base, backoff_max, delivery, max_wait",
    ],
    [
      "__proto__: 1",
      "discord.yaml:1: __proto__: is not a known key; known here are client, logging",
    ],
    ["<<: {}", 'discord.yaml:1: "<<": is not a known key; known here are client, logging'],
    // sections
    [
      "client: fast",
      'discord.yaml:1: client: expected a section with keys such as webhook_url and base_url, got "fast"',
    ],
    [
      "logging: [json]",
      "discord.yaml:1: logging: expected a section with keys such as level and format, got a list",
    ],
    [
      "- client",
      "discord.yaml: expected a section with keys such as client and logging, got a list",
    ],
    [
      "client",
      'discord.yaml: expected a section with keys such as client and logging, got "client"',
    ],
    // texts
    [
      "logging:\n  level: verbose",
      'discord.yaml:2: logging.level: expected one of trace, debug, info, warning, error, fatal, none, got "verbose"',
    ],
    [
      "logging:\n  level: warnin",
      'discord.yaml:2: logging.level: expected one of trace, debug, info, warning, error, fatal, none, got "warnin"; did you mean warning?',
    ],
    [
      "logging:\n  format:",
      "discord.yaml:2: logging.format: expected one of json, logfmt, pretty, got nothing",
    ],
    [
      rateLimit("strategy: [adaptive]"),
      "discord.yaml:3: client.rate_limit.strategy: expected one of adaptive, proactive, reactive, got a list",
    ],
    [
      'client:\n  user_agent: "a\\nb"',
      'discord.yaml:2: client.user_agent: expected letters, digits and signs of ASCII, got "a\\nb"',
    ],
    [
      "client:\n  base_url: discord",
      'discord.yaml:2: client.base_url: expected the address of an API such as https://discord.com/api/v10, got "discord"',
    ],
    [
      "client:\n  base_url: ftp://x",
      "discord.yaml:2: client.base_url: expected the address of an API such as https://discord.com/api/v10, got a text of 7 characters",
    ],
    // figures
    [
      rateLimit("global_limit: 0"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got 0",
    ],
    [
      rateLimit("global_limit: -5"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got -5",
    ],
    [
      rateLimit("global_limit: 1.5"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got 1.5",
    ],
    [
      rateLimit("global_limit: .nan"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got NaN",
    ],
    [
      rateLimit("global_limit: .inf"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got Infinity",
    ],
    [
      rateLimit("global_limit: 1e400"),
      "discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got Infinity",
    ],
    [
      rateLimit('global_limit: "50"'),
      'discord.yaml:3: client.rate_limit.global_limit: expected a whole number from 1 to 1000000, got "50"',
    ],
    [
      "client: { retry: { max_retries: 101 } }",
      "discord.yaml:1: client.retry.max_retries: expected a whole number from 0 to 100, got 101",
    ],
    [
      "client: { uploads: { max_files: 11 } }",
      "discord.yaml:1: client.uploads.max_files: expected a whole number from 0 to 10, got 11",
    ],
    // switches
    [
      rateLimit("per_route_limit: yes"),
      'discord.yaml:3: client.rate_limit.per_route_limit: expected true or false, got "yes"',
    ],
    ["client: { dry_run: 1 }", "discord.yaml:1: client.dry_run: expected true or false, got 1"],
    // durations and sizes
    [
      "client: { timeout: 30 }",
      `discord.yaml:1: client.timeout: expected ${duration}, from 1ms to 24d, got 30`,
    ],
    [
      "client: { timeout: 0s }",
      `discord.yaml:1: client.timeout: expected ${duration}, from 1ms to 24d, got "0s"`,
    ],
    [
      "client: { timeout: forever }",
      `discord.yaml:1: client.timeout: expected ${duration}, from 1ms to 24d, got "forever"`,
    ],
    [
      rateLimit("backoff_max: 25d"),
      `discord.yaml:3: client.rate_limit.backoff_max: expected ${duration}, from 0s to 24d, got "25d"`,
    ],
    [
      rateLimit("max_wait: -1s"),
      `discord.yaml:3: client.rate_limit.max_wait: expected forever, or ${duration}, from 0s to 24d, got "-1s"`,
    ],
    [
      "client: { uploads: { max_file_size: 25mb } }",
      'discord.yaml:1: client.uploads.max_file_size: expected a size such as 25MB, 20MiB or 500000 (bytes), got "25mb"',
    ],
    [
      "client: { uploads: { max_total_size: -1 } }",
      "discord.yaml:1: client.uploads.max_total_size: expected a size such as 25MB, 20MiB or 500000 (bytes), got -1",
    ],
    [
      "client: { uploads: { preset: discrod } }",
      'discord.yaml:1: client.uploads.preset: expected one of default, discord, boostTier2, boostTier3, unlimited, got "discrod"; did you mean discord?',
    ],
    // webhook
    [
      "client: { webhook_url: hello }",
      "discord.yaml:1: client.webhook_url: Not a Discord webhook URL (it is not a valid URL, which begins with https://). Expected https://discord.com/api/webhooks/{id}/{token}; to copy it, in Discord: Edit Channel, Integrations, Webhooks, Copy Webhook URL.",
    ],
    [
      "client: { webhook_url: 5 }",
      "discord.yaml:1: client.webhook_url: expected the URL of a webhook",
    ],
  ] as const)("%j", ([yaml, sentence]) =>
    Effect.gen(function* () {
      expect(yield* said(yaml)).toBe(sentence)
    }),
  )

  it.effect("has all of its mistakes named at once, from top to bottom", () =>
    Effect.gen(function* () {
      expect(
        yield* said(
          [
            "client:",
            "  timeout: 5",
            "  timeot: 5s",
            "  retry: 3",
            "logging:",
            "  level: loud",
            "foo: 1",
          ].join("\n"),
          { DISCORD_CLIENT_DRY_RUN: "maybe" },
        ),
      ).toBe(
        [
          "6 mistakes in the configuration",
          '  DISCORD_CLIENT_DRY_RUN: expected true or false, got "maybe"',
          `  discord.yaml:2: client.timeout: expected ${duration}, from 1ms to 24d, got 5`,
          "  discord.yaml:3: client.timeot: is not a known key; did you mean timeout?",
          "  discord.yaml:4: client.retry: expected a section with keys such as max_retries and on_ambiguous, got 3",
          '  discord.yaml:6: logging.level: expected one of trace, debug, info, warning, error, fatal, none, got "loud"',
          "  discord.yaml:7: foo: is not a known key; known here are client, logging",
        ].join("\n"),
      )
    }),
  )
})

describe("a file of nothing but mistakes", () => {
  it.effect(
    "has the first 100 in its error, the first 20 in its message, and counts the rest",
    () =>
      Effect.gen(function* () {
        const yaml = Array.from({ length: 5000 }, (_, n) => `k${n}: 1`).join("\n")
        const error = yield* Effect.flip(within({})(DiscordConfig.loadYaml(yaml, "discord.yaml")))
        const lines = error.message.split("\n")
        expect(error.mistakes).toHaveLength(100)
        expect(error.omitted).toBe(4900)
        expect(lines).toHaveLength(22)
        expect(lines[0]).toBe("5000 mistakes in the configuration")
        expect(lines[20]).toMatch(/^ {2}discord\.yaml:20: k19: /)
        expect(lines[21]).toBe("  and 4980 more")
      }),
  )
})

describe("a text that is no YAML", () => {
  it.effect.each([
    [
      "client:\n\ttimeout: 5s",
      "discord.yaml:2: cannot be read as YAML: a tab; YAML is indented with spaces",
    ],
    [
      "client:\n  timeout: 5s\n  timeout: 6s",
      "discord.yaml:3: timeout is there twice; keep one of them",
    ],
    [
      "client: {timeout: 5s",
      "discord.yaml:1: cannot be read as YAML: the indentation does not fit the lines above, or a bracket is not closed",
    ],
    [
      'client: "5s',
      "discord.yaml:1: cannot be read as YAML: something is missing here, such as a colon, a bracket or a closing quote",
    ],
    [
      "client: timeout: 5s",
      "discord.yaml:1: cannot be read as YAML: two keys on one line; put the second on a line of its own",
    ],
    [
      "client:\n  timeout 5s\n  dry_run: true",
      "discord.yaml:2: cannot be read as YAML: a line without a colon; a key is followed by a colon and a space",
    ],
    [
      "client: @home",
      "discord.yaml:1: cannot be read as YAML: text that begins with a special character must be in quotes",
    ],
    [
      "client: !secret x",
      "discord.yaml:1: cannot be read as YAML: a tag (!) that is not known here",
    ],
    [
      "client: *other",
      "discord.yaml:1: cannot be read as YAML: an alias (*) without an anchor (&) before it, or with a bad name",
    ],
    [
      "client:\n---\nlogging:",
      "discord.yaml:2: cannot be read as YAML: a second document begins; a file holds one",
    ],
    [
      "? [client]\n: 1",
      "discord.yaml:1: a key must be text that is not empty, a number, true or false",
    ],
    ['client: "\\q"', "discord.yaml:1: cannot be read as YAML: it is not valid"],
    [
      "%YAML 1.1\n---\nclient: 2026-01-01",
      "discord.yaml:3: a value must be a text, a number, true or false",
    ],
  ] as const)("%j", ([yaml, sentence]) =>
    Effect.gen(function* () {
      expect(yield* said(yaml)).toBe(sentence)
    }),
  )

  /** Nine levels of nine: 387 million values, written in 400 characters. */
  const bomb = Array.from({ length: 9 }, (_, level) =>
    level === 0
      ? `a0: &a0 [${Array.from({ length: 9 }, () => "x").join(", ")}]`
      : `a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(", ")}]`,
  ).join("\n")

  it.effect.each([
    ["a bomb of aliases", bomb, "discord.yaml: holds more than 10000 values"],
    ["an alias of itself", "a: &a [*a]", "discord.yaml: is nested more than 50 levels deep"],
    [
      "brackets without end",
      "[".repeat(50_000),
      "discord.yaml: is nested more than 50 levels deep",
    ],
    [
      "sections without end",
      Array.from({ length: 60 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      "discord.yaml: is nested more than 50 levels deep",
    ],
    [
      "keys without end",
      Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join("\n"),
      "discord.yaml: holds more than 10000 values",
    ],
    [
      "too much text",
      "#".repeat(256_001),
      "discord.yaml: is larger than 256 kB; is it the right file?",
    ],
    [
      "too many bytes",
      `#${"é".repeat(128_000)}`,
      "discord.yaml: is larger than 256 kB; is it the right file?",
    ],
  ] as const)("is refused when it is %s", ([, yaml, sentence]) =>
    Effect.gen(function* () {
      expect(yield* said(yaml)).toBe(sentence)
    }),
  )
})

describe("the environment", () => {
  it.effect.each<readonly [Record<string, string>, string]>([
    [
      { DISCORD_CLIENT_TIMEOUT: "5" },
      `DISCORD_CLIENT_TIMEOUT: expected ${duration}, from 1ms to 24d, got "5"`,
    ],
    [
      { DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: "NaN" },
      'DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: expected a whole number from 1 to 1000000, got "NaN"',
    ],
    [
      { DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: "Infinity" },
      'DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: expected a whole number from 1 to 1000000, got "Infinity"',
    ],
    [
      { DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: "-1" },
      "DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: expected a whole number from 1 to 1000000, got -1",
    ],
    [
      { DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: "0x10" },
      'DISCORD_CLIENT_RATE_LIMIT_GLOBAL_LIMIT: expected a whole number from 1 to 1000000, got "0x10"',
    ],
    [{ DISCORD_CLIENT_DRY_RUN: "1" }, 'DISCORD_CLIENT_DRY_RUN: expected true or false, got "1"'],
    [
      { DISCORD_LOGGING_LEVEL: "INFO" },
      'DISCORD_LOGGING_LEVEL: expected one of trace, debug, info, warning, error, fatal, none, got "INFO"; did you mean info?',
    ],
    [
      { DISCORD_WEBHOOK_URL: "https://example.com/x" },
      "DISCORD_WEBHOOK_URL: Not a Discord webhook URL (the host is not Discord's). Keep Discord's own URL here. To send through a proxy or to a test server, set RestConfig.baseUrl (with layerEnv: DISCORD_CLIENT_BASE_URL).",
    ],
    [
      { DISCORD_WEBHOOK_URL: webhookUrl, DISCORD_CLIENT_WEBHOOK_URL: `${webhookUrl}x` },
      "DISCORD_WEBHOOK_URL: is set to another webhook than DISCORD_CLIENT_WEBHOOK_URL; set only one of them",
    ],
    [
      { DISCORD_CLIENT_TIMEOT: "5s" },
      "DISCORD_CLIENT_TIMEOT: is not a known variable; did you mean DISCORD_CLIENT_TIMEOUT?",
    ],
    [
      { DISCORD_CLENT_WEBHOOK_URL: webhookUrl },
      "DISCORD_CLENT_WEBHOOK_URL: is not a known variable; did you mean DISCORD_CLIENT_WEBHOOK_URL?",
    ],
    [
      { DISCORD_CONFIG_FIL: "x" },
      "DISCORD_CONFIG_FIL: is not a known variable; did you mean DISCORD_CONFIG_FILE?",
    ],
    [
      { DISCORD_DRY_RUN: "true" },
      "DISCORD_DRY_RUN: is not a known variable; did you mean DISCORD_CLIENT_DRY_RUN?",
    ],
    [
      { DISCORD_RATE_LIMIT_STRATEGY: "adaptive" },
      "DISCORD_RATE_LIMIT_STRATEGY: is not a known variable; did you mean DISCORD_CLIENT_RATE_LIMIT_STRATEGY?",
    ],
    [{ DISCORD_CLIENT_RETRY_DELAY: "5s" }, "DISCORD_CLIENT_RETRY_DELAY: is not a known variable"],
  ])("%j", ([variables, sentence]) =>
    Effect.gen(function* () {
      expect(yield* saidOfVariables(variables)).toBe(sentence)
    }),
  )

  it.effect("that cannot be read fails for each variable, without the provider's message", () =>
    Effect.gen(function* () {
      const unavailable = Effect.fail(ConfigError.SourceUnavailable([], token, Cause.empty))
      const broken = ConfigProvider.fromFlat(
        ConfigProvider.makeFlat({
          load: () => unavailable,
          enumerateChildren: () => unavailable,
          patch: PathPatch.empty,
        }),
      )
      const { mistakes } = yield* Effect.flip(Effect.withConfigProvider(DiscordConfig.load, broken))
      const places = mistakes.map(({ place }) => place)
      expect(places).toContain("DISCORD_CLIENT_TIMEOUT")
      expect(places).toContain("DISCORD_WEBHOOK_URL")
      expect(new Set(mistakes.map(({ message }) => message))).toEqual(
        new Set(["the ConfigProvider cannot read it"]),
      )
    }),
  )
})
