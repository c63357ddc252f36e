/** The documentation's blocks as modules that Node can run. */
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { Block } from "../../scripts/blocks.js"
import { root } from "../../scripts/project.js"
import { bundle } from "../support/bundle.js"

export const nameOf = ({ document, line }: Block): string => `${document}:${line}`

const slug = (block: Block): string => nameOf(block).replaceAll(/[/:]/g, "~")

const folder = resolve(root, "node_modules/.cache/effect-discord/blocks")

const written = (blocks: ReadonlyArray<Block>): Readonly<Record<string, string>> => {
  mkdirSync(folder, { recursive: true })
  return Object.fromEntries(
    blocks.map((block) => {
      const file = resolve(folder, `${slug(block)}.ts`)
      writeFileSync(file, block.code)
      return [slug(block), file]
    }),
  )
}

/** Paths of modules for processes of their own, by the block's name. */
export const bundled = async (
  blocks: ReadonlyArray<Block>,
): Promise<ReadonlyMap<string, string>> => {
  const paths = await bundle({
    modules: written(blocks),
    name: "blocks-bundled",
    sources: { "effect-discord/node": "test/docs/index.ts" },
    includePackages: true,
  })
  return new Map(blocks.map((block) => [nameOf(block), paths[slug(block)]!]))
}

/** The block as a module of this process, with its Effect. */
export const imported = async (block: Block): Promise<unknown> => {
  const paths = await bundle({
    modules: written([block]),
    name: `blocks-imported/${slug(block)}`,
    includePackages: false,
  })
  return import(pathToFileURL(paths[slug(block)]!).href)
}
