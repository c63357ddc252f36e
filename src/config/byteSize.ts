/** Sizes as people write them: `25MB`, `20MiB`, or a number of bytes. */
import * as Schema from "effect/Schema"

const units: ReadonlyArray<readonly [name: string, bytes: number]> = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["B", 1],
]

const pattern = new RegExp(
  String.raw`^(\d{1,15}(?:\.\d{1,6})?) ?(${units.map(([name]) => name).join("|")})$`,
)

const isSize = (bytes: number): boolean => Number.isSafeInteger(bytes) && bytes >= 1

const wholeBytes = () =>
  Schema.Number.pipe(Schema.filter(isSize, { jsonSchema: { type: "integer", minimum: 1 } }))

const writtenSize = () =>
  Schema.String.pipe(Schema.pattern(pattern)).annotations({
    jsonSchema: { type: "string", pattern: pattern.source },
  })

/** Whole bytes, at least one. */
export const byteSize = (): Schema.Schema<number, number | string> =>
  Schema.transform(
    Schema.Union(wholeBytes(), writtenSize()),
    Schema.Number.pipe(Schema.filter(isSize)),
    {
      strict: true,
      decode: parse,
      encode: format,
    },
  )

/** What to write, for an error. */
export const expectedByteSize = "a size such as 25MB, 20MiB or 500000 (bytes)"

function parse(written: number | string): number {
  if (typeof written === "number") return written
  const [, figure, unit] = pattern.exec(written) ?? []
  const factor = units.find(([name]) => name === unit)?.[1] ?? Number.NaN
  return Math.round(Number(figure) * factor)
}

/** In the unit in which it is a whole number, binary ones first. */
function format(bytes: number): number | string {
  const [name, factor] = units.find(([, one]) => bytes % one === 0) ?? ["B", 1]
  return factor === 1 ? bytes : `${bytes / factor}${name}`
}
