/**
 * The SDK in a headless Chromium: bundled, on a page of another origin than the simulated Discord,
 * whose answers the page sees only as far as CORS lets it. Skipped where there is no Chromium.
 */
import { existsSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { resolve } from "node:path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { build } from "esbuild"
import { chromium } from "playwright-core"
import { DiscordSimulator } from "../../src/testing/index.js"
import type { PageResult } from "./page.js"

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync)

/** No look-ups of its own, and root may run it. */
const quiet = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
]

const bundle = Effect.promise(async () => {
  const entry = resolve(import.meta.dirname, "page.ts")
  const made = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "chrome120",
    platform: "browser",
    write: false,
  })
  return made.outputFiles[0]?.text ?? ""
})

const listening = (script: string) =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((request, response) => {
        const isScript = request.url === "/page.js"
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html")
        response.end(isScript ? script : '<script type="module" src="/page.js"></script>')
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close()),
  )

const openPage = (origin: string) =>
  Effect.gen(function* () {
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() =>
        chromium.launch({ ...(executablePath && { executablePath }), args: quiet, timeout: 0 }),
      ),
      (running) => Effect.promise(() => running.close()),
    )
    const page = yield* Effect.promise(() => browser.newPage())
    page.setDefaultTimeout(0)
    yield* Effect.promise(() => page.goto(origin))
    yield* Effect.promise(() => page.waitForFunction("typeof tell === 'function'"))
    return page
  })

const server = NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })

it.scopedLive.skipIf(executablePath === undefined)(
  "a page sends, edits, uploads and reads limits and errors through fetch",
  () =>
    Effect.gen(function* () {
      const simulator = yield* DiscordSimulator.make({
        limits: { execute: { limit: 5, period: "300 millis" } },
      })
      const webhook = yield* simulator.createWebhook()
      const { baseUrl } = yield* simulator.serve
      const site = yield* listening(yield* bundle)
      const { port } = site.address() as AddressInfo
      const page = yield* openPage(`http://localhost:${port}`)

      const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`)
      const story = `tell(${JSON.stringify(webhook.url)}, ${JSON.stringify(baseUrl)}, ${JSON.stringify(texts)})`
      const told = (yield* Effect.promise(() => page.evaluate(story))) as PageResult

      // Without the exposed headers the page would know of no limit, and run into it.
      expect(told).toMatchObject({ edited: "edited", missing: "WebhookMessageNotFound", limit: 5 })
      expect(told.uploaded).toEqual([{ filename: "note.txt", size: 16 }])
      const stored = yield* simulator.messages(webhook)
      expect(stored.slice(0, 12).map((message) => message["id"])).toEqual(told.ids)
      expect(stored.map((message) => message["content"])).toEqual(["edited", ...texts.slice(1), ""])
      const [file] = yield* simulator.files(webhook)
      expect(new TextDecoder().decode(file?.bytes)).toBe("chosen by a user")
      const { limited } = yield* simulator.statistics
      expect(limited).toEqual({ user: 0, shared: 0, global: 0 })
    }).pipe(Effect.provide(Layer.fresh(server))),
)
