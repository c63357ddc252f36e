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
  /**
   * Includes packages in the bundle: a process starts in four fifths of the time when it need not look for
   * the hundreds of files of undici and others. Otherwise the modules share them with the process that loads
   * them.
   */
  readonly includePackages: boolean
}

/** Effect's packages, and the dependencies that npm may install below them. */
const ofEffect = /^(?:effect|@effect\/[^/]+|fast-check|pure-rand)(?:\/|$)/

/** Packages that look for a compiled file, which may not be installed, or that patch how modules load. */
const notBundled = /^(?:@libsql\/|libsql$|pg-native$|@opentelemetry\/)/

/** Bundled CommonJS calls `require` for the modules of Node, which an ES module does not have. */
const withRequire =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'

/** Path of the output by name. */
export const bundle = async (options: BundleOptions): Promise<Readonly<Record<string, string>>> => {
  // A folder for each worker of vitest: otherwise one writes a program that another one is starting.
  const worker = `worker-${process.env["VITEST_POOL_ID"] ?? 0}`
  const outdir = resolve(root, "node_modules/.cache/effect-discord", worker, options.name)
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
    ...(options.includePackages ? { banner: { js: withRequire } } : {}),
    plugins: [packages(options)],
  })
  return Object.fromEntries(outputs.map((out) => [out, resolve(outdir, `${out}.mjs`)]))
}

/** The package's name means its sources; other packages are bundled on request. */
function packages({ includePackages, sources = {} }: BundleOptions): Plugin {
  const own = new Map([...entries, ...modules].map(({ specifier, source }) => [specifier, source]))
  for (const [specifier, source] of Object.entries(sources)) own.set(specifier, source)
  return {
    name: "packages",
    setup: (plugin) => {
      plugin.onResolve({ filter: /^[^./]/ }, ({ kind, path }) => {
        const source = own.get(path)
        if (source !== undefined) return { path: resolve(root, source) }
        // A chunk of CommonJS that is imported dynamically has no named exports.
        const isBundled = kind !== "dynamic-import" && !notBundled.test(path)
        const isIncluded = includePackages && (isBundled || ofEffect.test(path))
        return kind === "entry-point" || isIncluded ? undefined : { path, external: true }
      })
    },
  }
}
