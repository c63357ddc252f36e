/**
 * Every `ts` block of the README and the guides runs: programs against a simulated Discord, which
 * must hear of them; tests as tests; and all others as modules, which must not crash when they are
 * loaded.
 */
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe } from "vitest"
import { blocksOf, markdown, type Block } from "../../scripts/blocks.js"
import { root } from "../../scripts/project.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { bundled, imported, nameOf } from "./bundle.js"

const blocks = markdown().flatMap(blocksOf)
/** Sends when it is run: by `runMain`, or by a runtime that it disposes of. */
const isProgram = ({ code }: Block): boolean => /runMain|^await runtime\.dispose\(\)/m.test(code)
const isTest = ({ code }: Block): boolean => code.includes('from "@effect/vitest"')

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

for (const block of blocks.filter(isTest)) {
  describe(nameOf(block), async () => {
    // Its `it.effect` is then a test of this file.
    await imported(block)
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
