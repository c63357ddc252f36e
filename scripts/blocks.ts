/** The `ts` blocks of the documentation: README, guides and docstrings. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { root } from "./project.js"

export interface Block {
  /** The document, relative to the root. */
  readonly document: string
  /** 1-based line of the first line of code. */
  readonly line: number
  readonly code: string
}

const fence =
  /^(?<indent>[ \t]*(?:\* ?)?[ \t]*)```(?:ts|typescript)[ \t]*\n(?<code>[\s\S]*?)\n[ \t]*(?:\* ?)?[ \t]*```[ \t]*$/gm

/** README, AGENTS.md and the guides. */
export function markdown(): ReadonlyArray<string> {
  const guides = existsSync(resolve(root, "docs"))
    ? readdirSync(resolve(root, "docs"), { recursive: true, encoding: "utf8" }).map(
        (file) => `docs/${file}`,
      )
    : []
  return ["README.md", "AGENTS.md", ...guides]
    .filter((file) => file.endsWith(".md") && !file.startsWith("docs/api/"))
    .filter((file) => existsSync(resolve(root, file)))
}

export function sources(): ReadonlyArray<string> {
  return readdirSync(resolve(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `src/${file}`)
}

export function blocksOf(document: string): ReadonlyArray<Block> {
  const text = readFileSync(resolve(root, document), "utf8")
  return [...text.matchAll(fence)].map((match) => {
    const { indent = "", code = "" } = match.groups ?? {}
    const line = text.slice(0, match.index).split("\n").length + 1
    return { document, line, code: indent.includes("*") ? code.replace(/^[ \t]*\* ?/gm, "") : code }
  })
}
