import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { character } from "../../support/character.js"
import { getBaseName, cleanFileName } from "../../../src/rest/upload/file.js"
import { cleanFilename } from "../../../src/testing/simulator/messages/attachments.js"
import { runs } from "../../support/laws.js"

/** What reverses, joins, hides or composes, and so is rare in text that is only random. */
const rare = FastCheck.constantFrom("\u202e", "\u200b", "\u200d", "\u0301", "\ufeff", "e", ".", "_")
const anyName = FastCheck.oneof(
  FastCheck.string({ unit: character, maxLength: 400 }),
  FastCheck.string({
    unit: FastCheck.oneof(rare, character),
    maxLength: 40,
  }),
)
const extensions = FastCheck.constantFrom("", ".png", ".tar.gz", ".", ".x y", `.${"z".repeat(30)}`)
const names = FastCheck.tuple(anyName, extensions).map(([stem, extension]) => stem + extension)

const law = (name: string, holds: (name: string) => void): void =>
  it(name, () => FastCheck.assert(FastCheck.property(names, holds), { numRuns: runs(1000) }))

describe("a file's name", () => {
  law("is never empty and never too long", (name) => {
    const bytes = new TextEncoder().encode(cleanFileName(name)).length
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThanOrEqual(255)
  })

  law("holds nothing that could end a header, a quote or a folder", (name) => {
    expect(cleanFileName(name)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Z}"'`\\/:;%*?<>|]/u)
  })

  law("does not change when it is cleaned again", (name) => {
    expect(cleanFileName(cleanFileName(name))).toBe(cleanFileName(name))
  })

  it("in ASCII, is the one that Discord makes of it", () => {
    const ascii = FastCheck.tuple(FastCheck.string({ unit: "binary-ascii" }), extensions)
    FastCheck.assert(
      FastCheck.property(ascii, ([stem, extension]) => {
        const name = cleanFileName(stem + extension)
        expect(cleanFilename(name)).toBe(name)
      }),
      { numRuns: runs(1000) },
    )
  })

  it.each([
    ["report.pdf", "report.pdf"],
    ["Größe 大小 🎉.png", "Größe_大小_🎉.png"],
    ["load of\r\n today.png", "load_of_today.png"],
    ['"quoted" (1).txt', "quoted_1.txt"],
    ["../../etc/passwd.txt", "etc_passwd.txt"],
    ["__init__.py", "init__.py"],
    [".env", "env"],
    ["???.png", "file.png"],
    ["", "file"],
    ["a.", "a"],
    ["e\u0301.txt", "é.txt"],
    ["e\u200d\u0301.txt", "é.txt"],
    ["photo\u202egpj.exe", "photogpj.exe"],
    ["\u2066a\u2069\u200b\ufeff.png", "a.png"],
    [`${"x".repeat(300)}.tar.gz`, `${"x".repeat(252)}.gz`],
    [`${"大".repeat(100)}.png`, `${"大".repeat(83)}.png`],
  ])("%j is sent as %j", (given, sent) => {
    expect(cleanFileName(given)).toBe(sent)
  })
})

it.each([
  ["/var/log/app.log", "app.log"],
  ["C:\\logs\\app.log", "app.log"],
  ["app.log", "app.log"],
  ["/tmp/", "tmp"],
])("the name of %s is %s", (path, name) => {
  expect(getBaseName(path)).toBe(name)
})
