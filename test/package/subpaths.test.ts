/** The subpaths of the package; `npm run check:package` imports them from the packed tarball. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import { modules, root } from "../../scripts/project.js"
import * as index from "../../src/index.js"

const { config } = ts.readConfigFile(resolve(root, "tsconfig.json"), (path) =>
  ts.sys.readFile(path),
)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)

describe("subpaths", () => {
  it("are the modules that the index exports", () => {
    expect(modules.map(({ name }) => name).sort()).toEqual(Object.keys(index).sort())
  })

  it.each(modules)("$specifier is $source in examples and tests", ({ source, specifier }) => {
    expect(existsSync(resolve(root, source))).toBe(true)
    const { resolvedModule } = ts.resolveModuleName(
      specifier,
      resolve(root, "examples/send.ts"),
      options,
      ts.sys,
    )
    expect(resolvedModule?.resolvedFileName).toBe(resolve(root, source))
  })
})
