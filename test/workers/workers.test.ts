/**
 * The SDK in workerd, the runtime of Cloudflare Workers, against the simulator over HTTP. A client
 * that disconnects ends its request: workerd then drops its fibers, without finalisers. Skipped where
 * workerd has no binary.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, request as httpRequest } from "node:http"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Readable } from "node:stream"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { build } from "esbuild"
import { lazy } from "../../src/model/lazy.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import type { WorkerRequest } from "./worker.js"

/** The path of the binary, which the package has for most platforms. */
const workerd = ((): string => {
  try {
    const { default: path } = createRequire(import.meta.url)("workerd") as { default: string }
    return existsSync(path) ? path : ""
  } catch {
    return ""
  }
})()

const bundle = lazy(async () => {
  const made = await build({
    entryPoints: [resolve(import.meta.dirname, "worker.ts")],
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    write: false,
  })
  return made.outputFiles[0]?.text ?? ""
})

const config = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "outbound", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  globalOutbound = "outbound",
);
`

/** The port that workerd reports on its control channel. */
const listening = (child: ChildProcess) =>
  Effect.async<number>((resume) => {
    let text = ""
    const control = child.stdio[3] as Readable
    control.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      const port = /"port"\s*:\s*(\d+)/.exec(text)?.[1]
      if (port !== undefined) resume(Effect.succeed(Number(port)))
    })
  })

/** Runs a Worker until the scope closes. Returns its address. */
const serve = (script: string) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "workerd-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true })),
    )
    writeFileSync(join(folder, "worker.js"), script)
    writeFileSync(join(folder, "config.capnp"), config)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(workerd, ["serve", "--control-fd=3", join(folder, "config.capnp")], {
          stdio: ["ignore", "ignore", "ignore", "pipe"],
        }),
      ),
      (running) => Effect.sync(() => running.kill()),
    )
    return `http://127.0.0.1:${yield* listening(child)}`
  })

/** The response of the Worker. Interrupted, it resets the connection, which workerd notices at once. */
const fetchText = (url: string, order: WorkerRequest) =>
  Effect.async<string>((resume) => {
    const outgoing = httpRequest(url, { method: "POST", agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("end", () => resume(Effect.succeed(text)))
    })
    outgoing.on("error", (error) => resume(Effect.die(error)))
    outgoing.end(JSON.stringify(order))
    return Effect.sync(() => outgoing.socket?.resetAndDestroy())
  })

const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })

const makeHarness = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.make({
    limits: { execute: { limit: 5, period: "500 millis" } },
  })
  const webhook = yield* simulator.createWebhook()
  const { baseUrl } = yield* simulator.serve
  const address = yield* serve(yield* Effect.promise(bundle))
  const order = (text: string, rest: Partial<WorkerRequest> = {}): WorkerRequest => ({
    url: webhook.url,
    baseUrl,
    text,
    upload: false,
    timeout: "30 seconds",
    ...rest,
  })
  const send = (text: string, rest?: Partial<WorkerRequest>) =>
    fetchText(address, order(text, rest))
  const texts = Effect.map(simulator.messages(webhook), (messages) =>
    messages.map((message) => message["content"]),
  )
  const snapshot = Effect.map(
    fetchText(`${address}/snapshot`, order("")),
    (text) => JSON.parse(text) as { readonly inFlight: number; readonly waiting: number },
  )
  const inState = (wanted: { readonly inFlight: number; readonly waiting: number }) =>
    Effect.repeat(snapshot, {
      until: (now) => now.inFlight >= wanted.inFlight && now.waiting >= wanted.waiting,
      schedule: Schedule.spaced("5 millis"),
    })
  return { inState, send, simulator, snapshot, texts, webhook }
})

type Harness = Effect.Effect.Success<typeof makeHarness>

const story = (name: string, play: (harness: Harness) => Effect.Effect<void>) =>
  it.scopedLive.skipIf(workerd === "")(name, () =>
    Effect.flatMap(makeHarness, play).pipe(Effect.provide(Layer.fresh(server))),
  )

describe.concurrent("workerd", () => {
  story("requests at the same time are all served, in order of arrival", (harness) =>
    Effect.gen(function* () {
      const { inState, send, simulator, snapshot, texts } = harness
      yield* simulator.inject(Fault.delay("3 seconds"))
      const fibers = [yield* Effect.fork(send("0"))]
      for (let index = 1; index < 12; index += 1) {
        if (index <= 5) yield* inState({ inFlight: 1, waiting: index - 1 })
        fibers.push(yield* Effect.fork(send(String(index))))
      }
      for (const fiber of fibers) expect(yield* Fiber.join(fiber)).toBe("sent")
      const stored = yield* texts
      expect(stored).toHaveLength(12)
      expect(stored.slice(0, 5)).toEqual(["0", "1", "2", "3", "4"])
      expect(yield* snapshot).toEqual({ inFlight: 0, waiting: 0 })
      const { limited } = yield* simulator.statistics
      expect(limited).toEqual({ user: 0, shared: 0, global: 0 })
    }),
  )

  story("a client that disconnects delays other requests by at most the timeout", (harness) =>
    Effect.gen(function* () {
      const { inState, send, simulator, snapshot, texts } = harness
      yield* send("first")
      yield* simulator.inject(Fault.delay("10 minutes"))
      const inFlight = yield* Effect.fork(send("dropped in flight", { timeout: "1 second" }))
      yield* inState({ inFlight: 1, waiting: 0 })
      const dropped = yield* Effect.forEach(["a", "b", "c"], (name) =>
        Effect.fork(send(`dropped while it waited: ${name}`)),
      )
      yield* inState({ inFlight: 1, waiting: 3 })
      yield* Fiber.interruptAll([inFlight, ...dropped])
      const later = yield* Effect.forEach(["d", "e", "f", "g"], (name) =>
        Effect.zipLeft(Effect.fork(send(name)), Effect.sleep("50 millis")),
      )
      for (const fiber of later) expect(yield* Fiber.join(fiber)).toBe("sent")
      // What was in flight may be counted; what waited was never sent.
      const sent = (yield* texts).filter((text) => text !== "dropped in flight")
      expect(sent).toEqual(["first", "d", "e", "f", "g"])
      expect(yield* snapshot).toEqual({ inFlight: 0, waiting: 0 })
      const { limited } = yield* simulator.statistics
      expect(limited).toEqual({ user: 0, shared: 0, global: 0 })
    }),
  )

  story("a file is streamed", ({ send, simulator, webhook }) =>
    Effect.gen(function* () {
      expect(yield* send("content of the file", { upload: true })).toBe("sent")
      const [file] = yield* simulator.files(webhook)
      expect(new TextDecoder().decode(file?.bytes)).toBe("content of the file")
    }),
  )

  story("an upload whose response is lost may have been delivered", ({ send, simulator }) =>
    Effect.gen(function* () {
      yield* simulator.inject(Fault.resetAfter)
      expect(yield* send("lost", { upload: true })).toBe("DiscordTransportError unknown")
    }),
  )
})
