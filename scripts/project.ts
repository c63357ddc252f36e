/** Where the project is, and what its package.json promises. */
import { readFileSync } from "node:fs"
import { delimiter, resolve } from "node:path"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<
    Record<string, string | { readonly types: string; readonly default: string }>
  >
  readonly scripts: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly overrides: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface Entry {
  /** As a user writes it: `effect-discord/testing`. */
  readonly specifier: string
  /** Relative to the root: `src/testing/index.ts`. */
  readonly source: string
}

export interface Module extends Entry {
  /** Of its namespace: `Webhook`. */
  readonly name: string
}

export const root = resolve(import.meta.dirname, "..")

export const manifest = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as Manifest

/** The entry points: every subpath of the exports map that is one file of code. */
export const entries: ReadonlyArray<Entry> = Object.entries(manifest.exports).flatMap(
  ([subpath, target]) =>
    typeof target === "string" || subpath.includes("*")
      ? []
      : [
          {
            specifier: manifest.name + subpath.slice(1),
            source: target.default.replace("./dist/", "src/").replace(/\.js$/, ".ts"),
          },
        ],
)

/** The modules that the index exports; each has a subpath as well: `effect-discord/Webhook`. */
export const modules: ReadonlyArray<Module> = [
  ...readFileSync(resolve(root, "src/index.ts"), "utf8").matchAll(
    /^export \* as (\w+) from "\.\/(.+)\.js"$/gm,
  ),
].map(([, name = "", path = ""]) => ({
  name,
  specifier: `${manifest.name}/${name}`,
  source: `src/${path}.ts`,
}))

/** The environment of a command of package.json, which finds what the project has installed. */
export const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [resolve(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
}

/** Prints what was found and sets the exit code. */
export function report(check: string, problems: ReadonlyArray<string>, figure: string): void {
  for (const problem of problems) console.log(problem)
  console.log(
    problems.length === 0
      ? `${check}: ${figure}`
      : `${check}: ${problems.length} problems, ${figure}`,
  )
  if (problems.length > 0) process.exitCode = 1
}
