/** One version, wherever it is written. */
import { readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { RestConfig } from "../../src/index.js"

const root = resolve(import.meta.dirname, "../..")
const read = (path: string): string => readFileSync(resolve(root, path), "utf8")
const { name, version } = JSON.parse(read("package.json")) as {
  readonly name: string
  readonly version: string
}

describe("the version in package.json", () => {
  it.effect("is what Discord reads in the User-Agent", () =>
    Effect.gen(function* () {
      const { userAgent } = yield* RestConfig.RestConfig
      expect(userAgent).toBe(`DiscordBot (https://www.npmjs.com/package/${name}, ${version})`)
    }),
  )

  it("is the newest in CHANGELOG.md", () => {
    expect(/^## (.*)$/m.exec(read("CHANGELOG.md"))?.[1]).toBe(version)
  })
})

it("a changeset names this package, a size of change, and what a user notices", () => {
  const changesets = readdirSync(resolve(root, ".changeset")).filter((one) => one.endsWith(".md"))
  for (const changeset of changesets) {
    expect(read(`.changeset/${changeset}`)).toMatch(
      new RegExp(`^---\\n"${name}": (patch|minor|major)\\n---\\n\\n\\S`),
    )
  }
})
