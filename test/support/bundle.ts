/**
 * Bundles modules for plain Node processes: together and once, so that a process starts in a tenth of
 * the time that a TypeScript loader takes.
 */
import { resolve } from "node:path"
import { build, type Plugin } from "esbuild"
import { entries, modules, root } from "../../scripts/project.js"

export interface BundleOptions {
  /** Source file by the name of its output. */
  readonly modules: Readonly<Record<string, string>>
  /** Below `node_modules`, so that imports of packages resolve and vitest does not transform it. */
  readonly name: string
  /** Another source for a subpath of the package, by its specifier. */
  readonly sources?: Readonly<Record<string, string>>
  /** Includes Effect in the bundle; otherwise the modules share it with the process that loads them. */
  readonly includeEffect: boolean
}

/** Effect's packages, and the dependencies that npm may install below them. */
const ofEffect = /^(?:effect|@effect\/[^/]+|fast-check|pure-rand)(?:\/|$)/

/** Path of the output by name. */
export const bundle = async (options: BundleOptions): Promise<Readonly<Record<string, string>>> => {
  const outdir = resolve(root, "node_modules/.cache/effect-discord", options.name)
  const outputs = Object.keys(options.modules)
  await build({
    entryPoints: Object.entries(options.modules).map(([out, path]) => ({
      in: resolve(root, path),
      out,
    })),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [packages(options)],
  })
  return Object.fromEntries(outputs.map((out) => [out, resolve(outdir, `${out}.mjs`)]))
}

/** The package's name means its sources; other packages are not bundled, except Effect on request. */
function packages({ includeEffect, sources = {} }: BundleOptions): Plugin {
  const own = new Map([...entries, ...modules].map(({ specifier, source }) => [specifier, source]))
  for (const [specifier, source] of Object.entries(sources)) own.set(specifier, source)
  return {
    name: "packages",
    setup: (plugin) => {
      plugin.onResolve({ filter: /^[^./]/ }, ({ kind, path }) => {
        const source = own.get(path)
        if (source !== undefined) return { path: resolve(root, source) }
        const isIncluded = includeEffect && ofEffect.test(path)
        return kind === "entry-point" || isIncluded ? undefined : { path, external: true }
      })
    },
  }
}
