/** `fromText` has a text type, for any name. */
import other from "mime/types/other.js"
import standard from "mime/types/standard.js"
import { expect, it } from "vitest"
import { FileUpload } from "../../../src/index.js"

const typeOf = (name: string) => FileUpload.fromText(name, "x").contentType

it.each(["ts", "mts", "cts", "tsx", "rs", "scm", "org", "m4v", "mod", "unknown"])(
  "main.%s is plain text",
  (extension) => {
    expect(typeOf(`main.${extension}`)).toBe("text/plain; charset=utf-8")
  },
)

it.each([
  ["a.md", "text/markdown; charset=utf-8"],
  ["a.csv", "text/csv; charset=utf-8"],
  ["a.js", "text/javascript; charset=utf-8"],
  ["a.yaml", "text/yaml; charset=utf-8"],
  ["a.json", "application/json"],
  ["a.geojson", "application/geo+json"],
  ["a.svg", "image/svg+xml"],
  ["a.sh", "application/x-sh"],
  ["a.sql", "application/sql"],
])("%s stays %s", (name, type) => {
  expect(typeOf(name)).toBe(type)
})

it("no name makes a picture, a film, a sound or a model of text", () => {
  const extensions = Object.values({ ...standard, ...other }).flat()
  expect(extensions.length).toBeGreaterThan(1000)
  const wrong = extensions
    .map((extension) => typeOf(`a.${extension.replace("*", "")}`))
    .filter((type) => !/^text\/.*; charset=utf-8$|^application\/|\+(?:xml|json)$/.test(type))
  expect(wrong).toEqual([])
})

it("a type that is given counts", () => {
  const options = { contentType: "video/mp2t" }
  expect(FileUpload.fromText("main.ts", "x", options).contentType).toBe("video/mp2t")
})
