import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Fault } from "../../src/testing/index.js"
import { send } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const message = JSON.stringify({ content: "ahoy" })
const bytes = new TextEncoder().encode(message)
const type = "application/json"

const urlencoded = () => new URLSearchParams({ content: "ahoy" })
const blob = () => new Blob([message], { type })

for (const [name, body] of [
  ["bytes", () => HttpBody.uint8Array(bytes, type)],
  ["text", () => HttpBody.text(message, type)],
  ["a stream", () => HttpBody.stream(Stream.make(bytes.slice(0, 3), bytes.slice(3)), type)],
  ["raw text", () => HttpBody.raw(message, { contentType: type })],
  ["a raw blob", () => HttpBody.raw(blob())],
  ["a raw buffer", () => HttpBody.raw(bytes.buffer, { contentType: type })],
  ["a raw web stream", () => HttpBody.raw(blob().stream(), { contentType: type })],
  ["a raw form", () => HttpBody.raw(urlencoded())],
] as const) {
  simulatorTest(`a body may come as ${name}`, {}, (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const url = hook.url.replace("/api/", "/api/v10/")
      const request = HttpClientRequest.post(url).pipe(HttpClientRequest.setBody(body()))
      expect((yield* HttpClient.execute(request)).status).toBe(204)
      expect(yield* simulator.messages(hook)).toMatchObject([{ content: "ahoy" }])
    }),
  )
}

simulatorTest("a body that fails while it is read is not sent", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    for (const body of [HttpBody.stream(Stream.fail("gone"), type), HttpBody.raw(1n)]) {
      const request = HttpClientRequest.post(hook.url).pipe(HttpClientRequest.setBody(body))
      expect(yield* Effect.flip(HttpClient.execute(request))).toMatchObject({ reason: "Encode" })
    }
    expect(yield* simulator.traffic).toEqual([])
  }),
)

simulatorTest("counts the 429 of a fault by its scope header", {}, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook()
    const limited = (scope: string) =>
      Fault.respond({
        status: 429,
        headers: { "retry-after": "1", "x-ratelimit-scope": scope },
        body: { message: "You are being rate limited.", retry_after: 1163, global: false },
      })
    for (const scope of ["shared", "user", "nonsense"]) {
      yield* simulator.inject(limited(scope))
      expect((yield* send(hook)).body.retry_after).toBe(1163)
    }
    expect(yield* simulator.statistics).toMatchObject({
      limited: { shared: 1, user: 1, global: 0 },
      invalid: 2,
    })
  }),
)
