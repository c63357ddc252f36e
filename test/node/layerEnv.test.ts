/** Where a Node program finds its configuration. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach } from "vitest"
import { Strategy } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { within } from "../config/sources.js"

const home = process.cwd()
let folder = home

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "discord-config-"))
  process.chdir(folder)
})

afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

const save = (name: string, strategy: string) =>
  Effect.sync(() => {
    writeFileSync(join(folder, name), `client: { rate_limit: { strategy: ${strategy} } }\n`)
  })

const strategy = (layer: typeof NodeDiscord.layerEnv, variables: Record<string, string> = {}) =>
  Strategy.Strategy.pipe(
    Effect.map(({ name }) => name),
    Effect.provide(layer),
    within(variables),
  )

describe("NodeDiscord.layerEnv", () => {
  it.scopedLive("needs no file", () =>
    Effect.gen(function* () {
      expect(yield* strategy(NodeDiscord.layerEnv)).toBe("adaptive")
    }),
  )

  it.scopedLive("reads discord.yaml in the working directory", () =>
    Effect.gen(function* () {
      yield* save("discord.yaml", "reactive")
      expect(yield* strategy(NodeDiscord.layerEnv)).toBe("reactive")
      expect(yield* strategy(NodeDiscord.layerEnv, { DISCORD_CONFIG_FILE: "" })).toBe("reactive")
    }),
  )

  it.scopedLive("reads the file that DISCORD_CONFIG_FILE names instead", () =>
    Effect.gen(function* () {
      yield* save("discord.yaml", "reactive")
      yield* save("other.yaml", "proactive")
      const named = { DISCORD_CONFIG_FILE: "other.yaml" }
      expect(yield* strategy(NodeDiscord.layerEnv, named)).toBe("proactive")
    }),
  )

  it.scopedLive("lets a variable override the file", () =>
    Effect.gen(function* () {
      yield* save("discord.yaml", "reactive")
      const set = { DISCORD_CLIENT_RATE_LIMIT_STRATEGY: "proactive" }
      expect(yield* strategy(NodeDiscord.layerEnv, set)).toBe("proactive")
    }),
  )

  it.scopedLive("fails when the named file is missing, and names it", () =>
    Effect.gen(function* () {
      yield* save("discord.yaml", "reactive")
      const error = yield* Effect.flip(
        strategy(NodeDiscord.layerEnv, { DISCORD_CONFIG_FILE: "nowhere.yaml" }),
      )
      expect(error.message).toBe("nowhere.yaml: there is no such file")
    }),
  )

  it.scopedLive("fails when discord.yaml is wrong, rather than to go on without it", () =>
    Effect.gen(function* () {
      yield* save("discord.yaml", "hasty")
      const error = yield* Effect.flip(strategy(NodeDiscord.layerEnv))
      expect(error.message).toMatch(/^discord\.yaml:1: client\.rate_limit\.strategy: expected /)
    }),
  )
})

describe("NodeDiscord.layerFile", () => {
  it.scopedLive("reads its file, and demands it", () =>
    Effect.gen(function* () {
      yield* save("mine.yaml", "proactive")
      expect(yield* strategy(NodeDiscord.layerFile("mine.yaml"))).toBe("proactive")
      const error = yield* Effect.flip(strategy(NodeDiscord.layerFile("yours.yaml")))
      expect(error.message).toBe("yours.yaml: there is no such file")
    }),
  )
})
