/** What a program loads with its first import, counted in modules and not in time. */
import { resolve } from "node:path"
import { build } from "esbuild"
import { describe, expect, it } from "vitest"
import { lazy } from "../../src/model/lazy.js"

const root = resolve(import.meta.dirname, "../..")

/** The files that are loaded at once: what `import()` leads to comes later, or never. */
async function loadedWith(entry: string): Promise<ReadonlyArray<string>> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    metafile: true,
    write: false,
    logLevel: "silent",
  })
  const seen = new Set<string>()
  const open = [entry]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    for (const { external, kind, path } of metafile.inputs[file]?.imports ?? []) {
      if (kind !== "dynamic-import" && external !== true) open.push(path)
    }
  }
  return [...seen]
}

/** `@effect/platform` of `node_modules/@effect/platform/dist/esm/HttpBody.js`. */
const packageOf = (file: string): string =>
  /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? "ours"

/** `effect/Schema` loads fast-check and pure-rand, `@effect/platform/Multipart` loads multipasta. */
const withIndex = [
  "@effect/platform",
  "effect",
  "fast-check",
  "mime",
  "multipasta",
  "ours",
  "pure-rand",
]

describe.each([
  ["src/index.ts", withIndex],
  [
    "src/node/index.ts",
    [
      ...withIndex.filter((name) => name !== "mime"),
      "@effect/platform-node",
      "@effect/platform-node-shared",
      "undici",
    ],
  ],
])("an import of %s", (entry, packages) => {
  const loaded = lazy(() => loadedWith(entry))

  it("loads these packages at once, and no other", async () => {
    const files = await loaded()
    expect([...new Set(files.map(packageOf))].sort()).toEqual([...packages].sort())
  })

  it("loads no generators of test data", async () => {
    const files = await loaded()
    expect(files.filter((file) => file.endsWith("effect/dist/esm/Arbitrary.js"))).toEqual([])
  })

  it("loads no index of effect and the platform", async () => {
    const files = await loaded()
    expect(files.filter((file) => /node_modules\/@?effect.*\/esm\/index\.js$/.test(file))).toEqual(
      [],
    )
  })
})
