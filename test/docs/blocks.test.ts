/**
 * Every `ts` block of the README and the guides runs: programs against a simulated Discord, which
 * must receive requests; tests as tests; and all others as modules, which must load.
 */
import { fork, spawn, type ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Redis } from "ioredis"
import { describe } from "vitest"
import { blocksOf, markdown, type Block } from "../../scripts/blocks.js"
import { root } from "../../scripts/project.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { isThorough } from "../support/laws.js"
import { isLowestPeers } from "../support/peers.js"
import { getRedis, hasRedis } from "../support/redis.js"
import { bundled, imported, nameOf } from "./bundle.js"

const blocks = markdown().flatMap(blocksOf)
/** Sends when it is run: by `runMain`, or by a runtime that it disposes of. */
const isProgram = ({ code }: Block): boolean => /runMain|^await runtime\.dispose\(\)/m.test(code)
const isTest = ({ code }: Block): boolean => code.includes('from "@effect/vitest"')

/** A worker of the outbox stops timers while others start. */
const stopsTimers = ({ code }: Block): boolean =>
  code.includes("TestClock") && code.includes("Outbox.worker")

const needsRedis = ({ code }: Block): boolean => code.includes("REDIS_URL")

const tests = blocks.filter(isTest)
const programs = blocks.filter(isProgram)
const isRunnable = (block: Block): boolean => isThorough && (hasRedis || !needsRedis(block))
const modules = blocks.filter((block) => !isTest(block) && !isProgram(block))

const paths = await bundled([...programs.filter(isRunnable), ...modules])
const pathOf = (block: Block): string => paths.get(nameOf(block))!

interface Run {
  readonly code: number | null
  readonly errors: string
}

/** Waits until the process has ended. */
const ended = (child: ChildProcess) =>
  Effect.async<Run>((resume) => {
    let errors = ""
    child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    child.on("close", (code) => resume(Effect.succeed({ code, errors })))
    return Effect.sync(() => child.kill())
  })

/** Where a program may write files. */
const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-discord-docs-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
)

const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })

/** Runs a process against a simulator of its own; `start` takes its environment. */
const runAgainstSimulator = (start: (env: NodeJS.ProcessEnv) => ChildProcess) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.make()
    const { url } = yield* simulator.createWebhook()
    const { baseUrl } = yield* simulator.serve
    const env = { ...process.env, DISCORD_CLIENT_BASE_URL: baseUrl, DISCORD_WEBHOOK_URL: url }
    const run = yield* ended(start(env))
    return { ...run, requests: (yield* simulator.traffic).length }
  }).pipe(Effect.provide(Layer.fresh(server)))

for (const block of tests) {
  describe.skipIf(isLowestPeers && stopsTimers(block))(nameOf(block), async () => {
    // Its `it.effect` is then a test of this file.
    await imported(block)
  })
}

describe.concurrent("a program of the documentation", () => {
  for (const block of programs) {
    it.scopedLive.skipIf(!isRunnable(block))(`${nameOf(block)} sends requests to Discord`, () =>
      Effect.gen(function* () {
        const cwd = yield* scratch
        const redis = needsRedis(block)
          ? { REDIS_URL: (yield* Effect.promise(getRedis)).url }
          : undefined
        const { code, errors, requests } = yield* runAgainstSimulator((env) =>
          spawn(process.execPath, [pathOf(block)], {
            cwd,
            env: { ...env, ...redis },
            stdio: ["ignore", "ignore", "pipe"],
          }),
        )
        expect(errors).toBe("")
        expect(code).toBe(0)
        expect(requests).toBeGreaterThan(0)
        if (redis !== undefined) {
          const client = new Redis(redis.REDIS_URL)
          expect(yield* Effect.promise(() => client.keys("*"))).not.toEqual([])
          client.disconnect()
        }
      }),
    )
  }
})

describe("a module of the documentation", async () => {
  const loaded = new Map<string, string>()
  const { code, errors } = await Effect.runPromise(
    runAgainstSimulator((env) => {
      const child = fork(resolve(import.meta.dirname, "load.mjs"), modules.map(pathOf), {
        cwd: root,
        env,
        execArgv: [],
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      })
      child.on("message", (message: { readonly path: string; readonly errors: string }) =>
        loaded.set(message.path, message.errors),
      )
      return child
    }).pipe(Effect.scoped),
  )

  it.each(modules.map((block) => [nameOf(block), pathOf(block)]))("%s loads", (_, path) => {
    expect(loaded.get(path)).toBe("")
  })

  it("leaves nothing that keeps the process alive or crashes it", () => {
    expect({ code, errors }).toEqual({ code: 0, errors: "" })
  })
})

it("the documentation contains programs, modules and tests", () => {
  expect(programs.length).toBeGreaterThan(1)
  expect(modules.length).toBeGreaterThan(10)
  expect(tests.length).toBeGreaterThan(1)
})
