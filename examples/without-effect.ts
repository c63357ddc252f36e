/**
 * A promise-based server: it starts one runtime, posts from a request handler, and on SIGTERM closes
 * the server first and the runtime after it. The example calls itself, and sends itself the signal.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Webhook, WebhookError } from "effect-discord"
import { discord } from "./support/discord.js"

const runtime = ManagedRuntime.make(discord)

type Services = ManagedRuntime.ManagedRuntime.Context<typeof runtime>

/** Resolves with the result, or rejects with the error instead of a `FiberFailure`. */
const run = async <A, E>(operation: Effect.Effect<A, E, Services>): Promise<A> => {
  const exit = await runtime.runPromiseExit(operation)
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

const hook = await run(Webhook.config("DISCORD_WEBHOOK_URL"))

const server = createServer((request, response) => {
  const content = "x".repeat(Number(request.url?.slice(1)))
  run(Webhook.send(hook, { content }))
    .then(
      (message) => `posted ${message.content.length} characters`,
      (error: unknown) => {
        if (error instanceof WebhookError.WebhookValidationError)
          return error.issues[0]?.message ?? ""
        throw error
      },
    )
    .then(
      (text) => response.end(text),
      () => response.writeHead(502).end(),
    )
})

process.once("SIGTERM", () => {
  server.close(() => {
    runtime.dispose().then(
      () => console.log("stopped"),
      (error: unknown) => console.error(error),
    )
  })
})

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))
const { port } = server.address() as AddressInfo

for (const length of [5, 2001]) {
  const response = await fetch(`http://127.0.0.1:${port}/${length}`, {
    headers: { connection: "close" },
  })
  console.log(`${response.status}: ${await response.text()}`)
}

process.kill(process.pid, "SIGTERM")

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
// 200: posted 5 characters
// 200: at most 2000 code points, got 2001
// stopped
