/** The documentation's blocks as modules that Node can run. */
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { build, type Plugin } from "esbuild"
import type { Block } from "../../scripts/blocks.js"
import { entries, root } from "../../scripts/project.js"

export const nameOf = ({ document, line }: Block): string => `${document}:${line}`

/** The package's name means its sources; peers stay where Node finds them. */
const packageAsSources: Plugin = {
  name: "package as sources",
  setup: (bundle) => {
    const sources = new Map(entries.map(({ specifier, source }) => [specifier, source]))
    sources.set("effect-discord/node", "test/docs/index.ts")
    bundle.onResolve({ filter: /^[^./]/ }, ({ path }) => {
      const source = sources.get(path)
      return source === undefined ? { path, external: true } : { path: resolve(root, source) }
    })
  },
}

export const bundled = ({ code }: Block): Promise<string> =>
  build({
    stdin: { contents: code, loader: "ts", resolveDir: root },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [packageAsSources],
    write: false,
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? "")

/** Below `node_modules`, so that its imports are found, and vitest leaves it as it is. */
const folder = resolve(root, "node_modules/.cache/effect-discord/blocks")

export const imported = async (block: Block): Promise<unknown> => {
  const file = resolve(folder, `${nameOf(block).replaceAll(/[/:]/g, "~")}.mjs`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, await bundled(block))
  return import(pathToFileURL(file).href)
}
