/** Text that would exhaust the parser's stack, or its time, is rejected before it is parsed. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as yamlParser from "yaml"
import { scan } from "../../src/config/yaml.js"
import { DiscordConfig, YamlConfigProvider } from "../../src/index.js"
import { runs } from "../support/laws.js"

const indented = (key: string, levels: number) =>
  Array.from({ length: levels }, (_, level) => " ".repeat(level) + key).join("\n")

const tooDeep = "YAML: is nested more than 50 levels deep"

describe("a text that nests too deeply", () => {
  it.each([
    ["brackets", "[".repeat(1200)],
    ["many brackets", "[".repeat(250_000)],
    ["brackets that are closed", "[".repeat(1200) + "]".repeat(1200)],
    ["braces", "{".repeat(1200)],
    ["braces with keys", "{a: ".repeat(60_000)],
    ["brackets with explicit keys", "[? ".repeat(60_000)],
    ["brackets on lines of their own", "[\n".repeat(100_000)],
    ["lists on one line", "- ".repeat(120_000)],
    ["explicit keys on one line", "? ".repeat(120_000)],
    ["explicit values on one line", `? a\n: ${"- ".repeat(100_000)}`],
    ["values on one line", "a: ".repeat(80_000)],
    ["empty keys on one line", ": ".repeat(120_000)],
    ["keys that the parser nests although they are not valid", "a: ? \n".repeat(20_000)],
    ["sections", indented("a:", 700)],
    ["lists in lists", indented("-", 700)],
    ["lists in sections", indented("- a:", 600)],
    ["brackets in a section", `client:\n  webhook_url: ${"[".repeat(5000)}`],
    ["brackets after a quoted one", `a: "]"\nb: ${"[".repeat(5000)}`],
  ])("of %s", async (_, yaml) => {
    const load = Effect.flip(DiscordConfig.loadYaml(yaml))
    expect((await Effect.runPromise(load)).message).toBe(tooDeep)
    const provider = Effect.flip(YamlConfigProvider.fromText(yaml, "YAML"))
    expect((await Effect.runPromise(provider)).message).toBe(tooDeep)
  })
})

describe("keys that are too long for what is inside them", () => {
  const values = "{a: 1, b: 2}"
  it.each([
    ["one key", `? "${"k".repeat(20_000)}"\n: ${values}`, 1],
    ["keys of keys", `${indented(`${"k".repeat(300)}:`, 4)} ${values}`, 4],
    ["a key around a list", `? ${"k".repeat(1500)}\n: [1, 2, {a: 1}]`, 1],
    ["a key whose escapes are long", `? "${'\\"'.repeat(600)}"\n: ${values}`, 1],
  ])("are rejected: %s", async (_, yaml, line) => {
    const message = `YAML:${line}: a key and the keys that enclose it are longer than 1000 characters together`
    const load = Effect.flip(DiscordConfig.loadYaml(yaml))
    expect((await Effect.runPromise(load)).message).toBe(message)
    const provider = Effect.flip(YamlConfigProvider.fromText(yaml, "YAML"))
    expect((await Effect.runPromise(provider)).message).toBe(message)
  })

  it("are accepted up to the limit", async () => {
    const key = "k".repeat(900)
    const load = YamlConfigProvider.fromText(`? ${key}\n: {a: 1}`)
    const provider = await Effect.runPromise(load)
    const value = provider.load(Config.nested(Config.integer("a"), key))
    expect(await Effect.runPromise(value)).toBe(1)
  })
})

it.each([
  ["brackets in a text", `a: "${"[".repeat(5000)}"`],
  ["brackets in a comment", `a: 1 # ${"[".repeat(5000)}`],
  ["brackets in a block of text", `a: |\n  ${"[".repeat(5000)}`],
  ["many short lists", `a: [${"[], ".repeat(3000)}]`],
  [
    "many sections of one level",
    Array.from({ length: 3000 }, (_, n) => `k${n}:\n  a: 1`).join("\n"),
  ],
  ["fifty levels", `${"[".repeat(50)}${"]".repeat(50)}`],
  ["fifty sections", indented("a:", 50)],
  ["fifty mappings in brackets", `${"{a: ".repeat(50)}1${"}".repeat(50)}`],
])("a text is not called deep for %s", (_, yaml) => {
  expect(scan(yamlParser, 50, yaml)).toEqual({ end: yaml.length, isTooDeep: false })
})

const pieces = [
  "- ",
  "? ",
  ": ",
  "a",
  "a: ",
  "[",
  "]",
  "{",
  "}",
  ",",
  "\n",
  " ",
  "   ",
  "\t",
  "\r\n",
]
const marks = ["&a ", "!t ", "*a", "'", '"', "|\n", ">\n", "#", "---\n", "...\n", "%x\n", "\ufeff"]

const soup = FastCheck.array(FastCheck.constantFrom(...pieces, ...pieces, ...marks), {
  maxLength: 30,
}).map((parts) => parts.join(""))

it("no text ends the process: each is read or rejected", () =>
  FastCheck.assert(
    FastCheck.asyncProperty(soup, FastCheck.integer({ min: 1, max: 3000 }), async (yaml, times) => {
      const load = Effect.either(DiscordConfig.loadYaml(yaml.repeat(times)))
      const result = await Effect.runPromise(load)
      expect(["Left", "Right"]).toContain(result._tag)
    }),
    { numRuns: runs(300) },
  ))

/** How many tokens of a text are read before the result is certain. */
function countTokens(maxLevels: number, text: string) {
  let tokens = 0
  class CountingLexer extends yamlParser.Lexer {
    override *lex(source: string) {
      for (const token of super.lex(source)) {
        tokens += 1
        yield token
      }
    }
  }
  const scanned = scan({ Lexer: CountingLexer, Parser: yamlParser.Parser }, maxLevels, text)
  return { scanned, tokens }
}

describe("a text of many levels", () => {
  it("is read as far as the first level too many", () => {
    for (const unit of ["[", "[\n", "{a: ", "- ", "? ", "a: ", "a: ? \n"]) {
      const { scanned, tokens } = countTokens(50, unit.repeat(1000))
      expect(scanned.isTooDeep).toBe(true)
      expect(tokens).toBeLessThan(500)
    }
  })

  it("is too deep if its collections nest too deeply, and not otherwise", () => {
    const levels = FastCheck.integer({ min: 1, max: 10 })
    FastCheck.assert(
      FastCheck.property(soup, levels, (text, maxLevels) => {
        const { end, isTooDeep } = scan(yamlParser, maxLevels, text)
        const depth = depthOf(text.slice(0, end))
        // A collection that turns out to be a key is one level deeper.
        expect(depth).toBeGreaterThan(isTooDeep ? maxLevels : -2)
        expect(depth).toBeLessThanOrEqual(isTooDeep ? Infinity : maxLevels + 2)
      }),
      { numRuns: runs(2000) },
    )
  })
})

/** The levels of a text's values, the root being 1 and a value of a collection one more. */
function depthOf(text: string): number {
  const depths = [...new yamlParser.Parser().parse(text)].map(levelsOf)
  return Math.max(0, ...depths) - 1
}

function levelsOf(token: yamlParser.CST.Token | null | undefined): number {
  if (token === null || token === undefined) return 0
  if (token.type === "document") return 1 + levelsOf(token.value)
  if (!("items" in token)) return 1
  return (
    1 + Math.max(0, ...token.items.flatMap(({ key, value }) => [levelsOf(key), levelsOf(value)]))
  )
}

describe("a text of many errors", () => {
  it("is read as far as the first", () => {
    for (const unit of ["}", "{}", "]}", "[a b]\n"]) {
      const text = unit.repeat(200_000 / unit.length)
      const { scanned, tokens } = countTokens(50, text)
      expect(scanned.isTooDeep).toBe(false)
      expect(scanned.end).toBeLessThan(20)
      expect(tokens).toBeLessThan(20)
    }
  })

  it("is invalid there if the whole is, and complete otherwise", () => {
    const isValid = (text: string) => {
      const { errors, warnings } = yamlParser.parseDocument(text, {
        prettyErrors: false,
        uniqueKeys: false,
      })
      return errors.length + warnings.length === 0
    }
    FastCheck.assert(
      FastCheck.property(soup, (text) => {
        const { end } = scan(yamlParser, Infinity, text)
        expect(isValid(text.slice(0, end))).toBe(isValid(text))
        expect(isValid(text) ? end : text.length).toBe(text.length)
      }),
      { numRuns: runs(2000) },
    )
  })
})
