/** Values that a Zod schema describes, by walking its definition: the oracle for our decoders. */
import * as fc from "effect/FastCheck"

/** The parts of Zod's `_zod.def` that occur in the schemas of Discord's responses. */
interface Definition {
  readonly type: string
  readonly format?: string
  readonly shape?: Readonly<Record<string, Zod>>
  readonly getter?: () => Zod
  readonly values?: ReadonlyArray<string | number | boolean | null>
  readonly element?: Zod
  readonly innerType?: Zod
  readonly valueType?: Zod
  readonly options?: ReadonlyArray<Zod>
  readonly left?: Zod
  readonly right?: Zod
  readonly checks?: ReadonlyArray<{ readonly _zod: { readonly def: Check } }>
}
interface Check {
  readonly check: string
  readonly format?: string
  readonly value?: number
  readonly maximum?: number
}
export interface Zod {
  readonly _zod: { readonly def: Definition }
}

/**
 * Messages hold messages and users everywhere: below this depth arrays and records are empty, nullable values are null,
 * and optional fields are absent.
 */
const DEPTH_MAX = 7

/** Made once, since `stringMatching` takes milliseconds. */
const urls = fc.stringMatching(/^https:\/\/[a-z]{1,9}\.example\/[a-z0-9]{0,9}$/)
const keys = fc.stringMatching(/^[a-z]{1,5}$/)

export function fromZod(schema: Zod, depth = 0): fc.Arbitrary<unknown> {
  const def = schema._zod.def
  const inner = (child: Zod | undefined, deeper = 0) => {
    if (child === undefined) throw new Error(`a ${def.type} without the part that makes it one`)
    return fromZod(child, depth + deeper)
  }
  switch (def.type) {
    case "lazy":
      return inner(def.getter?.())
    case "object":
      return object(def.shape ?? {}, depth)
    case "array":
      return depth > DEPTH_MAX ? fc.constant([]) : fc.array(inner(def.element, 1), { maxLength: 2 })
    case "record":
      return depth > DEPTH_MAX
        ? fc.constant({})
        : fc.dictionary(keys, inner(def.valueType, 1), { maxKeys: 2 })
    case "union":
      return fc.oneof(...(def.options ?? []).map((option) => inner(option)))
    case "intersection":
      return fc
        .tuple(inner(def.left), inner(def.right))
        .map((both) => Object.assign({}, ...both) as unknown)
    case "nullable":
      return depth > DEPTH_MAX
        ? fc.constant(null)
        : fc.oneof(fc.constant(null), inner(def.innerType))
    case "optional":
      return inner(def.innerType)
    case "literal":
      return fc.constantFrom(...(def.values ?? []))
    case "null":
      return fc.constant(null)
    case "unknown":
      return fc.jsonValue({ maxDepth: 1 })
    case "boolean":
      return fc.boolean()
    case "number":
      return number(
        (def.checks ?? []).map(({ _zod }) => _zod.def),
        def.format === "int32",
      )
    case "string":
      return string((def.checks ?? []).map(({ _zod }) => _zod.def))
    default:
      throw new Error(`no values known for a Zod ${def.type}`)
  }
}

function object(shape: Readonly<Record<string, Zod>>, depth: number): fc.Arbitrary<unknown> {
  const kept = Object.entries(shape).filter(
    ([, field]) => depth <= DEPTH_MAX || field._zod.def.type !== "optional",
  )
  const required = kept
    .filter(([, field]) => field._zod.def.type !== "optional")
    .map(([key]) => key)
  const fields = Object.fromEntries(kept.map(([key, field]) => [key, fromZod(field, depth + 1)]))
  return fc.record(fields, { requiredKeys: required })
}

function number(checks: ReadonlyArray<Check>, int32: boolean): fc.Arbitrary<number> {
  const bound = (kind: string) => checks.find(({ check }) => check === kind)?.value
  // JSON carries no integer beyond 2^53 faithfully, whatever the spec's bounds say.
  const safe = int32 ? 2 ** 31 : Number.MAX_SAFE_INTEGER
  return fc.integer({
    min: Math.max(bound("greater_than") ?? -safe, -safe),
    max: Math.min(bound("less_than") ?? safe - 1, safe - 1),
  })
}

function string(checks: ReadonlyArray<Check>): fc.Arbitrary<string> {
  const formats = new Set(checks.map((check) => check.format))
  // Discord writes an offset, which Zod's datetime refuses: see responses.test.ts.
  if (formats.has("datetime")) {
    return fc
      .date({ min: new Date("2015-01-01"), max: new Date("2099-12-31"), noInvalidDate: true })
      .map((date) => date.toISOString().replace("Z", "000Z"))
  }
  if (formats.has("url")) return urls
  if (formats.has("regex")) return fc.bigInt(0n, 2n ** 64n - 1n).map(String)
  const max = checks.find((check) => check.check === "max_length")?.maximum ?? 20
  return fc.string({ maxLength: Math.min(max, 20) })
}
