/**
 * Every `ts` block of the README and the guides runs: programs against a simulated Discord, which
 * must hear of them; tests as tests; and all others as modules, which must not crash when they are
 * loaded.
 */
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { build, type Plugin } from "esbuild"
import { describe } from "vitest"
import { blocksOf, markdown, type Block } from "../../scripts/blocks.js"
import { entries, root } from "../../scripts/project.js"
import { DiscordSimulator } from "../../src/testing/index.js"

const blocks = markdown().flatMap(blocksOf)
const isProgram = ({ code }: Block): boolean => code.includes("runMain")
const isTest = ({ code }: Block): boolean => code.includes('from "@effect/vitest"')
const nameOf = ({ document, line }: Block): string => `${document}:${line}`

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

const bundled = ({ code }: Block): Promise<string> =>
  build({
    stdin: { contents: code, loader: "ts", resolveDir: root },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [packageAsSources],
    write: false,
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? "")

interface Run {
  readonly code: number | null
  readonly errors: string
}

const run = (script: string, env: NodeJS.ProcessEnv) =>
  Effect.async<Run>((resume) => {
    const child = spawn(process.execPath, ["--input-type=module"], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["pipe", "ignore", "pipe"],
    })
    let errors = ""
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    child.on("close", (code) => resume(Effect.succeed({ code, errors })))
    child.stdin.end(script)
    return Effect.sync(() => child.kill())
  })

const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })

const told = (block: Block) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.make()
    const { url } = yield* simulator.createWebhook()
    const { baseUrl } = yield* simulator.serve
    const script = yield* Effect.promise(() => bundled(block))
    const outcome = yield* run(script, {
      DISCORD_CLIENT_BASE_URL: baseUrl,
      DISCORD_WEBHOOK_URL: url,
    })
    return { ...outcome, heard: (yield* simulator.traffic).length }
  }).pipe(Effect.provide(Layer.fresh(server)))

/** Below `node_modules`, so that its imports are found, and vitest leaves it as it is. */
const folder = resolve(root, "node_modules/.cache/effect-discord/blocks")

/** Imports a block whose `it.effect` then is a test of this file. */
const registered = async (block: Block): Promise<void> => {
  const file = resolve(folder, `${nameOf(block).replaceAll(/[/:]/g, "~")}.mjs`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, await bundled(block))
  await import(pathToFileURL(file).href)
}

for (const block of blocks.filter(isTest)) {
  describe(nameOf(block), async () => {
    await registered(block)
  })
}

describe.concurrent("the documentation's code", () => {
  for (const block of blocks.filter((one) => !isTest(one))) {
    it.scopedLive(
      `${nameOf(block)} ${isProgram(block) ? "talks to Discord" : "loads"}`,
      () =>
        Effect.gen(function* () {
          const { code, errors, heard } = yield* told(block)
          expect(errors).toBe("")
          expect(code).toBe(0)
          if (isProgram(block)) expect(heard).toBeGreaterThan(0)
        }),
      120_000,
    )
  }
})

it("there are programs and modules among them", () => {
  expect(blocks.filter(isProgram).length).toBeGreaterThan(1)
  expect(blocks.length).toBeGreaterThan(10)
})
