/** Errors of other people's code whose fields throw when they are read. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as List from "effect/List"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { describe, expect } from "vitest"
import { FileUpload, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { classifyFetchRejection } from "../../src/rest/transports/viaClient.js"
import { sanitizeDefect } from "../../src/rest/sanitize.js"
import { classifyCause, classifyError } from "../../src/rest/transportErrors.js"
import { toFileError } from "../../src/rest/upload/read.js"
import { renderEntry } from "../../src/webhook/logEntry.js"

const hostile = (): never => {
  throw new Error("hostile")
}

const withGetters = (target: object) =>
  Object.defineProperties(
    target,
    Object.fromEntries(
      // The stack first: Node reads the others when it is replaced.
      ["stack", "_tag", "cause", "code", "errors", "message", "name", "reason", "syscall"].map(
        (key) => [key, { get: hostile, enumerable: true, configurable: true }],
      ),
    ),
  )

const trapped = (target: object) =>
  new Proxy(target, {
    get: hostile,
    getOwnPropertyDescriptor: hostile,
    getPrototypeOf: hostile,
    has: hostile,
    ownKeys: hostile,
  })

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const causes: ReadonlyArray<readonly [string, unknown]> = [
  ["an error with throwing getters", withGetters(new Error("x"))],
  ["a TypeError with throwing getters", withGetters(new TypeError("x"))],
  ["an object with throwing getters", withGetters({})],
  ["a proxy whose traps throw", trapped({})],
  ["a proxy of an error", trapped(new TypeError("x"))],
  ["a revoked proxy", revoked()],
  ["an object that is no text", { toString: hostile, [Symbol.toPrimitive]: hostile }],
  ["an object without a prototype", Object.create(null)],
]
const nested = causes.flatMap(([name, cause]): typeof causes => [
  [name, cause],
  [`${name}, as a cause`, new Error("fetch failed", { cause })],
  [`${name}, among several`, Object.assign(new Error("x"), { errors: [cause] })],
  [`a list of errors that is ${name}`, Object.assign(new Error("x"), { errors: cause })],
])

const outgoing = HttpClientRequest.post("https://discord.com/api/v10/webhooks/1/token")
const token = Redacted.make("token")
const broken = { reason: "broken", delivered: "unknown", permanent: false }

describe("a hostile error is classified:", () => {
  it.each(nested)("%s", (_, cause) => {
    const error = new HttpClientError.RequestError({
      request: outgoing,
      reason: "Transport",
      cause,
    })
    expect(classifyCause(cause)).toEqual(broken)
    expect(classifyError(error)).toEqual(broken)
    expect(classifyFetchRejection(error, {})).toBeUndefined()
    expect(
      classifyError(
        new HttpClientError.ResponseError({
          request: outgoing,
          response: HttpClientResponse.fromWeb(outgoing, new Response()),
          reason: "Decode",
          cause,
        }),
      ),
    ).toEqual(broken)
    expect(sanitizeDefect(cause, token).message).toMatch(/^the HttpClient threw /)
    expect(toFileError({ file: "a.txt" }, cause)).toMatchObject({ reason: "unreadable" })
  })

  it("by the fields that can be read", () => {
    const refused = Object.defineProperty(new Error("x"), "code", { value: "ECONNREFUSED" })
    Object.defineProperty(refused, "syscall", { get: hostile })
    Object.defineProperty(refused, "errors", { get: hostile })
    expect(classifyCause(refused)).toMatchObject({ reason: "refused", delivered: "no" })
    const behind = Object.defineProperty(new Error("x", { cause: refused }), "code", {
      get: hostile,
    })
    expect(classifyCause(behind)).toMatchObject({ reason: "refused", delivered: "no" })
  })
})

const layer = (execute: Effect.Effect<never, HttpClientError.HttpClientError>) =>
  Layer.mergeAll(
    Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make(() => execute),
    ),
    RateLimiter.layerMemory,
    Strategy.layerReactive,
    Logger.remove(Logger.defaultLogger),
  )

describe("an operation ends in a tagged error or a defect of ours:", () => {
  it.effect.each(nested)("%s", ([, cause]) =>
    Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "1", token: "token" })
      const send = Webhook.send(hook, { content: "x" })
      const error = new HttpClientError.RequestError({
        request: outgoing,
        reason: "Transport",
        cause,
      })
      expect(yield* Effect.flip(Effect.provide(send, layer(Effect.fail(error))))).toMatchObject({
        _tag: "DiscordTransportError",
        delivered: "unknown",
      })
      const died = yield* Effect.exit(
        Effect.provide(send, layer(Effect.failCause(Cause.die(cause)))),
      )
      expect(Exit.isFailure(died) && Cause.pretty(died.cause)).toMatch(/the HttpClient threw /)
      const file = FileUpload.fromStream("a.txt", {
        size: 1,
        stream: Stream.failCause(Cause.fail(cause)),
      })
      const reading = HttpClient.make((request) =>
        request.body._tag === "Stream"
          ? Effect.zipRight(Stream.runDrain(Stream.orDie(request.body.stream)), Effect.never)
          : Effect.never,
      )
      const upload = Webhook.send(hook, { files: [file] }).pipe(
        Effect.provideService(HttpClient.HttpClient, reading),
        Effect.provide([RateLimiter.layerMemory, Strategy.layerReactive]),
      )
      expect(yield* Effect.flip(upload)).toMatchObject({
        _tag: "WebhookFileError",
        reason: "unreadable",
      })
    }),
  )
})

describe("a log entry of a hostile value is rendered:", () => {
  it.each(nested)("%s", (_, value) => {
    for (const [message, cause] of [
      [[value], Cause.empty],
      [["message", value], Cause.fail(value)],
      [[], Cause.die(value)],
    ] as const) {
      const embed = renderEntry({
        annotations: HashMap.make(["key", value]),
        cause,
        context: FiberRefs.empty(),
        date: new Date(0),
        fiberId: FiberId.none,
        logLevel: LogLevel.Error,
        message,
        spans: List.empty(),
      })
      expect(embed.title).toMatch(/^ERROR/)
    }
  })
})
