/** The documents of the configuration match its Schema: example, JSON Schema, table of the guide. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { parse } from "yaml"
import { fromJSONSchema } from "zod"
import { keys, type Key } from "../../src/config/keys.js"
import { DiscordConfig } from "../../src/index.js"
import { isLowestPeers } from "../support/peers.js"
import { asYaml, at, configs, within, written } from "./sources.js"

const read = (name: string): string =>
  readFileSync(resolve(import.meta.dirname, "../..", name), "utf8")

const jsonSchema = await Effect.runPromise(DiscordConfig.jsonSchema)

/** Zod implements JSON Schema independently of our code. */
const validator = fromJSONSchema(JSON.parse(read("discord.schema.json")))

const accepts = (yaml: string): boolean => validator.safeParse(parse(yaml)).success

describe("discord.schema.json", () => {
  it.skipIf(isLowestPeers)("equals the Schema; otherwise run npm run schema", () => {
    expect(JSON.parse(read("discord.schema.json"))).toEqual(jsonSchema)
  })

  it.runIf(isLowestPeers)(
    "equals the Schema, except for keywords that old versions of Effect repeat",
    () => {
      expect(jsonSchema).toMatchObject(JSON.parse(read("discord.schema.json")) as object)
    },
  )

  it("accepts every configuration that there can be", () => {
    FastCheck.assert(
      FastCheck.property(configs, (config) => {
        expect(validator.safeParse(parse(asYaml(config))).error).toBeUndefined()
      }),
    )
  })

  it.each([
    "client:\nlogging:\n",
    "client: { retry: }",
    "client: { rate_limit: { max_wait: forever } }",
  ])("accepts %j, as we do", async (yaml) => {
    expect(accepts(yaml)).toBe(true)
    expect(await Effect.runPromise(within({})(DiscordConfig.loadYaml(yaml)))).toBeDefined()
  })

  it.each([
    "foo: 1",
    "client: 5",
    "client: { timeot: 5s }",
    "client: { timeout: 5 }",
    "client: { timeout: 5 parsecs }",
    "client: { dry_run: 1 }",
    "client: { base_url: discord }",
    "client: { user_agent: '' }",
    "client: { retry: { max_retries: 101 } }",
    "client: { retry: { max_retries: 1.5 } }",
    "client: { retry: { on_ambiguous: maybe } }",
    "client: { rate_limit: { global_limit: 0 } }",
    "client: { rate_limit: { strategy: fast } }",
    "client: { rate_limit: { max_wait: never } }",
    "client: { uploads: { max_files: 11 } }",
    "client: { uploads: { max_file_size: 25mb } }",
    "client: { uploads: { max_total_size: 0 } }",
    "logging: { level: verbose }",
    "logging: { format: }",
  ])("rejects %j, as the Schema does", async (yaml) => {
    expect(accepts(yaml)).toBe(false)
    const loaded = Effect.either(within({})(DiscordConfig.loadYaml(yaml)))
    expect((await Effect.runPromise(loaded))._tag).toBe("Left")
  })

  it("explains each key, and names the default of those that have one", () => {
    const explained = keys().map(({ path }) => formOf(path))
    expect(explained.map((form) => form["description"])).toEqual(
      keys().map(({ meaning }) => meaning),
    )
    expect(explained.map((form) => form["default"])).toEqual(
      keys().map(({ default: fallback }) => fallback),
    )
    expect(keys().filter(({ meaning }) => !/^[A-Z].*\.$/.test(meaning))).toEqual([])
  })
})

describe("discord.example.yaml", () => {
  const example = read("discord.example.yaml")
  /** With the keys that are only shown. */
  const everything = example
    .replaceAll(/^( *)# ([a-z_]+: )/gm, "$1$2")
    .replace("ID/TOKEN", "1234/abc")

  it.effect("is a valid configuration, and documents the defaults", () =>
    Effect.gen(function* () {
      const config = yield* within({})(DiscordConfig.loadYaml(example))
      expect(written(config)).toEqual(written(DiscordConfig.defaults))
      expect(accepts(example)).toBe(true)
    }),
  )

  it.effect("shows every key that there is, and no other", () =>
    Effect.gen(function* () {
      const shown: unknown = parse(everything)
      expect(keys().filter(({ path }) => at(shown, path) === undefined)).toEqual([])
      yield* within({})(DiscordConfig.loadYaml(everything))
      expect(accepts(everything)).toBe(true)
    }),
  )

  it("names every value that may be chosen", () => {
    const choices = keys()
      .map(({ path }) => formOf(path)["enum"] ?? {})
      .map((values) => Object.values(values).join(", "))
      .filter((values) => values !== "")
    expect(choices.length).toBeGreaterThan(4)
    expect(choices.filter((values) => !example.includes(`# ${values}\n`))).toEqual([])
  })

  it("names the JSON Schema for editors", () => {
    expect(example).toMatch(/^# yaml-language-server: \$schema=\.\/discord\.schema\.json\n/)
  })
})

describe("the guide", () => {
  const row = ({ default: fallback, meaning, name, variable }: Key): string =>
    `| \`${name}\` | \`${variable}\` | ${fallback === undefined ? "" : `\`${fallback}\``} | ${meaning} |`

  it("has a row for each key, in the words of the Schema", () => {
    const rows = read("docs/guides/configuration.md")
      .split("\n")
      .filter((line) => line.startsWith("| `client.") || line.startsWith("| `logging."))
    expect(rows).toEqual(keys().map(row))
  })

  it.effect("shows errors as they are reported", () =>
    Effect.gen(function* () {
      const yaml = [
        "client:",
        "  timeout: 5",
        "  rate_limit:",
        "    strateg: adaptive",
        "logging:",
        "  level: verbose",
      ].join("\n")
      const { message } = yield* DiscordConfig.loadYaml(yaml, "discord.yaml").pipe(
        Effect.flip,
        within({ DISCORD_CLIENT_TIMEOT: "5s" }),
      )
      expect(read("docs/guides/configuration.md")).toContain(`\n${message}\n`)
    }),
  )
})

/** The JSON Schema of a key; a section may also be empty, hence the union. */
function formOf(path: ReadonlyArray<string>): Record<string, unknown> {
  const inner = path.flatMap((name, depth) =>
    depth === 0 ? ["properties", name] : ["anyOf", "0", "properties", name],
  )
  return at(plain(jsonSchema), inner) as Record<string, unknown>
}

/** Lists as records of their indices. */
function plain(tree: unknown): unknown {
  return typeof tree === "object" && tree !== null
    ? Object.fromEntries(Object.entries(tree).map(([name, one]) => [name, plain(one)]))
    : tree
}
