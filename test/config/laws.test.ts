/** A configuration is the same wherever it is written down. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { parse as parseYaml } from "yaml"
import { DiscordConfig } from "../../src/index.js"
import { byteSize, duration } from "../../src/config/values.js"
import { parse } from "../../src/config/yaml.js"
import { asVariables, asYaml, configs, within, written } from "./sources.js"

describe("any configuration", () => {
  it.effect.prop("comes back from YAML", [configs], ([config]) =>
    Effect.gen(function* () {
      const loaded = yield* within({})(DiscordConfig.loadYaml(asYaml(config)))
      expect(written(loaded)).toStrictEqual(written(config))
    }),
  )

  it.effect.prop("comes back from the environment", [configs], ([config]) =>
    Effect.gen(function* () {
      const loaded = yield* within(asVariables(config))(DiscordConfig.load)
      expect(written(loaded)).toStrictEqual(written(config))
    }),
  )

  it.effect.prop(
    "in the environment overrides any other in YAML",
    [configs, configs],
    ([one, other]) =>
      Effect.gen(function* () {
        const loaded = yield* within(asVariables(one))(DiscordConfig.loadYaml(asYaml(other)))
        const merged = { ...asVariables(other), ...asVariables(one) }
        expect(asVariables(loaded)).toStrictEqual(merged)
      }),
  )
})

describe("anchors and aliases", () => {
  const anchor = FastCheck.constantFrom("", "&x ", "&y ")
  const leaf = FastCheck.oneof(
    FastCheck.constantFrom("*x", "*y"),
    FastCheck.tuple(anchor, FastCheck.nat(9)).map(([name, value]) => `${name}${value}`),
  )
  const { value: values } = FastCheck.letrec<{ readonly value: string }>((tie) => ({
    value: FastCheck.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      FastCheck.tuple(anchor, FastCheck.array(tie("value"), { maxLength: 4 })).map(
        ([name, items]) => `${name}[${items.join(", ")}]`,
      ),
    ),
  }))
  const texts = FastCheck.array(values, { minLength: 1, maxLength: 6 }).map((items) =>
    ["&x 10", "&y 11", ...items].map((item) => `- ${item}`).join("\n"),
  )

  it.effect.prop("mean what they mean to the parser", [texts], ([text]) =>
    Effect.gen(function* () {
      const expected = toJson(text)
      FastCheck.pre(expected !== undefined)
      expect((yield* parse(text, "text")).root).toStrictEqual(expected)
    }),
  )
})

/** `undefined` for a value that contains itself. */
function toJson(text: string): unknown {
  const value: unknown = parseYaml(text, { maxAliasCount: -1 })
  try {
    return JSON.parse(JSON.stringify(value))
  } catch {
    return undefined
  }
}

describe("a duration", () => {
  const decode = Schema.decodeUnknownOption(duration(Duration.zero))
  const millis = (text: string) =>
    decode(text).pipe((_) => (_._tag === "Some" ? Duration.toMillis(_.value) : undefined))

  it.each([
    ["500ms", 500],
    ["1s", 1000],
    ["1 minute", 60_000],
    ["2 hours", 7_200_000],
    ["1.5s", 1500],
    ["1m30s", 90_000],
    ["1m 30s", 90_000],
    ["1 day 12 hours", 129_600_000],
    ["0s", 0],
    ["24d", 2_073_600_000],
    ["1 milli", 1],
    ["3 sec", 3000],
    ["3 min", 180_000],
  ])("may be written as %s", (text, expected) => {
    expect(millis(text)).toBe(expected)
  })

  it.each([
    "",
    "5",
    "s",
    "5 parsecs",
    "1 s 5",
    "-1s",
    "1e3s",
    "25d",
    "1s!",
    "1S",
    "1  s",
    "Infinity",
  ])("may not be written as %j", (text) => {
    expect(millis(text)).toBeUndefined()
  })

  it("is written with its largest unit", () => {
    const encode = Schema.encodeSync(duration(Duration.zero))
    expect(
      ["1500 millis", "90 seconds", "60 seconds", "48 hours", "0 millis"].map((_) =>
        encode(Duration.decode(_ as Duration.DurationInput)),
      ),
    ).toEqual(["1500ms", "90s", "1m", "2d", "0s"])
  })
})

describe("a size", () => {
  const decode = Schema.decodeUnknownOption(byteSize())
  const bytes = (text: unknown) =>
    decode(text).pipe((_) => (_._tag === "Some" ? _.value : undefined))

  it.each([
    [500_000, 500_000],
    ["25MB", 25_000_000],
    ["25 MB", 25_000_000],
    ["20MiB", 20_971_520],
    ["1.5KiB", 1536],
    ["1GB", 1_000_000_000],
    ["1GiB", 1_073_741_824],
    ["12B", 12],
    ["8kB", 8000],
  ])("may be written as %s", (text, expected) => {
    expect(bytes(text)).toBe(expected)
  })

  it.each([
    "25",
    "25mb",
    "MB",
    "-1MB",
    "0MB",
    "25 M B",
    "1e9B",
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])("may not be written as %s", (text) => {
    expect(bytes(text)).toBeUndefined()
  })
})
