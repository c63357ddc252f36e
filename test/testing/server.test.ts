import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { text } from "./files.js"
import { withFiles } from "./request.js"

const live = Layer.mergeAll(
  DiscordSimulator.layerWith({ limits: { execute: { limit: 5, period: "1 hour" } } }),
  NodeHttpServer.layer(() => createServer(), { port: 0 }),
)

/** The error of `fetch`. For a broken connection `code` is undici's. */
class FetchFailed extends Data.TaggedError("FetchFailed")<{
  readonly name: string
  readonly code: string | undefined
}> {}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function fetchResponse(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const request = (url: string, init: RequestInit) =>
  Effect.tryPromise({
    try: () => fetchResponse(url, init),
    catch: (error) => {
      const { name, cause } = error as Error
      return new FetchFailed({ name, code: (cause as { code?: string } | undefined)?.code })
    },
  })

/** A simulator served on a socket, with one webhook. */
const served = Effect.gen(function* () {
  const simulator = yield* DiscordSimulator.DiscordSimulator
  const { baseUrl } = yield* DiscordSimulator.serve
  const hook = yield* simulator.createWebhook()
  const url = `${baseUrl}/webhooks/${hook.id}/${hook.token}`
  const post = (body: object, signal: AbortSignal | null = null) =>
    request(`${url}?wait=true`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
    })
  return { simulator, hook, post, url }
})

it.scopedLive("responds on a socket as in memory", () =>
  Effect.gen(function* () {
    const { simulator, hook, post, url } = yield* served
    const sent = yield* post({ content: "ahoy ⚓" })
    expect(sent.status).toBe(200)
    expect(sent.headers.get("content-type")).toBe("application/json")
    expect(sent.headers.get("x-ratelimit-remaining")).toBe("4")
    expect(yield* simulator.messages(hook)).toEqual([JSON.parse(sent.text)])
    const removed = yield* request(url, { method: "DELETE" })
    expect(removed.status).toBe(204)
    expect((yield* post({ content: "b" })).status).toBe(404)
  }).pipe(Effect.provide(live)),
)

it.scopedLive("files are downloaded from the origin of the server", () =>
  Effect.gen(function* () {
    const { simulator, url, hook } = yield* served
    const body = withFiles({}, text("ahoy \u2693", "a.txt"))
    const sent = yield* request(url, { method: "POST", body })
    const { attachments } = JSON.parse(sent.text) as {
      readonly attachments: ReadonlyArray<{ readonly url: string; readonly proxy_url: string }>
    }
    for (const { url: at, proxy_url: proxied } of attachments) {
      expect(new URL(at).origin).toBe(new URL(url).origin)
      const response = yield* request(proxied, {})
      expect([response.text, response.headers.get("content-type")]).toEqual([
        "ahoy \u2693",
        "text/plain",
      ])
      const inProcess = yield* simulator.httpClient.get(at)
      expect(yield* inProcess.text).toBe("ahoy \u2693")
    }
    expect(yield* simulator.messages(hook)).toMatchObject([{ attachments }])
    expect(attachments).toHaveLength(1)
  }).pipe(Effect.provide(live)),
)

it.scopedLive("applies limits on a socket", () =>
  Effect.gen(function* () {
    const { post } = yield* served
    for (let i = 0; i < 5; i++) yield* post({ content: "a" })
    const limited = yield* post({ content: "a" })
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(3500)
    expect(JSON.parse(limited.text)).toMatchObject({ global: false })
  }).pipe(Effect.provide(live)),
)

it.scopedLive("resets the connection before or after processing", () =>
  Effect.gen(function* () {
    const { simulator, hook, post } = yield* served
    yield* simulator.inject(Fault.resetBefore)
    expect((yield* Effect.flip(post({ content: "a" }))).code).toBe("ECONNRESET")
    expect(yield* simulator.messages(hook)).toHaveLength(0)
    yield* simulator.inject(Fault.resetAfter)
    expect((yield* Effect.flip(post({ content: "a" }))).code).toBe("ECONNRESET")
    expect(yield* simulator.messages(hook)).toHaveLength(1)
    expect((yield* post({ content: "b" })).status).toBe(200)
  }).pipe(Effect.provide(live)),
)

it.scopedLive("closes the connection in the middle of the body", () =>
  Effect.gen(function* () {
    const { simulator, post } = yield* served
    yield* simulator.inject(Fault.truncateBody)
    expect((yield* Effect.flip(post({ content: "a" }))).code).toBe("UND_ERR_SOCKET")
    expect((yield* post({ content: "b" })).status).toBe(200)
  }).pipe(Effect.provide(live)),
)

it.scopedLive("truncated JSON and an empty body are complete responses", () =>
  Effect.gen(function* () {
    const { simulator, post } = yield* served
    yield* simulator.inject(Fault.truncatedJson)
    const half = yield* post({ content: "a" })
    expect([half.status, half.text.endsWith("}")]).toEqual([200, false])
    yield* simulator.inject(Fault.emptyBody)
    expect(yield* post({ content: "a" })).toMatchObject({ status: 200, text: "" })
  }).pipe(Effect.provide(live)),
)

it.scopedLive("Fault.neverRespond blocks the client until its timeout", () =>
  Effect.gen(function* () {
    const { simulator, post } = yield* served
    yield* simulator.inject(Fault.neverRespond)
    const error = yield* Effect.flip(post({ content: "a" }, AbortSignal.timeout(50)))
    expect(error.name).toBe("TimeoutError")
  }).pipe(Effect.provide(live)),
)

it.live("closing the scope resets pending requests and closes the server", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(live, scope)
    const { simulator, post } = yield* served.pipe(Effect.provide(context), Scope.extend(scope))
    yield* simulator.inject(Fault.neverRespond)
    const waiting = yield* Effect.fork(Effect.flip(post({ content: "a" })))
    while ((yield* simulator.traffic).length === 0) yield* Effect.sleep("1 millis")
    yield* Scope.close(scope, Exit.void)
    expect((yield* waiting).code).toBe("ECONNRESET")
  }),
)
