/** The build shortens names of members only where nothing else can stand for them. */
import ts from "typescript"
import { expect, it } from "vitest"
import { chooseNames, replaceNames } from "../../scripts/shortNames.js"

const files: Readonly<Record<string, string>> = {
  "/internal.ts": `
    export class Counter {
      total = 0
      shared = 0
      quoted = 0
      untyped = 0
      external = 0
      increase(): void { this.total += 1 }
      get doubled(): number { return this.total * 2 }
    }`,
  "/user.ts": `
    import { Counter } from "./internal"
    export interface Public { readonly shared: number }
    export const a: Public = new Counter()
    export const key = "quoted"
    export const read = (value: any) => value.untyped
    export function use(counter: Counter, { total, doubled: twice }: Counter) {
      counter.increase()
      return counter.total + total + twice + counter.external
    }`,
  "/library.d.ts": "interface Library { external: string }",
}

function compile(): { readonly names: ReadonlyMap<string, string>; readonly emitted: string } {
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ES2022,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noLib: true,
  }
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost(options),
    fileExists: (name) => name in files,
    getCurrentDirectory: () => "/",
    getSourceFile: (name) => {
      const text = files[name]
      return text === undefined ? undefined : ts.createSourceFile(name, text, options.target, true)
    },
  }
  const program = ts.createProgram(Object.keys(files), options, host)
  const names = chooseNames(program, ({ fileName }) => fileName === "/internal.ts")
  let emitted = ""
  const write = (_: string, text: string) => (emitted += text)
  program.emit(undefined, write, undefined, undefined, { before: [replaceNames(names)] })
  return { names, emitted }
}

it("shortens what only internal classes have, and keeps every name with another meaning", () => {
  const { names, emitted } = compile()
  expect([...names.keys()].sort()).toEqual(["doubled", "increase", "total"])
  // `total` is the most frequent one.
  expect(names.get("total")).toBe("a")
  for (const name of ["shared", "quoted", "untyped", "external"]) expect(emitted).toContain(name)
  expect(emitted).toContain("get c()")
  expect(emitted).toContain("{ a: total, c: twice }")
  expect(emitted).not.toMatch(/\.(?:total|increase|doubled)\b/)
})
