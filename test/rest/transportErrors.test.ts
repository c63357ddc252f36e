import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "vitest"
import { classifyError } from "../../src/rest/transportErrors.js"

const outgoing = HttpClientRequest.post("https://discord.com/api/v10/webhooks/1/token")

const failure = (cause: unknown, reason: "Transport" | "Encode" | "InvalidUrl" = "Transport") =>
  classifyError(new HttpClientError.RequestError({ request: outgoing, reason, cause }))

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code }, more)

describe("classify", () => {
  it.each([
    ["ECONNREFUSED", {}, "refused"],
    ["ConnectionRefused", {}, "refused"],
    ["EHOSTUNREACH", { syscall: "connect" }, "refused"],
    ["ENETUNREACH", { syscall: "connect" }, "refused"],
    ["ENOTFOUND", { syscall: "getaddrinfo" }, "dns"],
    ["EAI_AGAIN", { syscall: "getaddrinfo" }, "dns"],
    ["UND_ERR_CONNECT_TIMEOUT", {}, "timeout"],
    ["ETIMEDOUT", { syscall: "connect" }, "timeout"],
    ["CERT_HAS_EXPIRED", {}, "tls"],
    ["SELF_SIGNED_CERT_IN_CHAIN", {}, "tls"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", {}, "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", {}, "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", {}, "tls"],
    [
      "ECONNRESET",
      {
        message: "Client network socket disconnected before secure TLS connection was established",
      },
      "tls",
    ],
  ])("%s %j never reached Discord (%s)", (code, more, reason) => {
    expect(failure(coded(code, more))).toEqual({ reason, delivered: "no", permanent: false })
  })

  it.each([
    ["ECONNRESET", { syscall: "read" }, "broken"],
    ["EPIPE", { syscall: "write" }, "broken"],
    ["EHOSTUNREACH", { syscall: "read" }, "broken"],
    ["UND_ERR_SOCKET", {}, "broken"],
    ["UND_ERR_ABORTED", {}, "broken"],
    ["ETIMEDOUT", { syscall: "read" }, "timeout"],
    ["UND_ERR_HEADERS_TIMEOUT", {}, "timeout"],
    ["UND_ERR_BODY_TIMEOUT", {}, "timeout"],
    ["EPROTO", {}, "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", {}, "tls"],
    ["ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC", {}, "tls"],
    ["WHO_KNOWS", {}, "broken"],
  ])("%s %j may have arrived (%s)", (code, more, reason) => {
    expect(failure(coded(code, more))).toEqual({ reason, delivered: "unknown", permanent: false })
  })

  it.each([["UND_ERR_INVALID_ARG"], ["ERR_INVALID_CHAR"]])("%s can never be sent", (code) => {
    expect(failure(coded(code))).toEqual({ reason: "encode", delivered: "no", permanent: true })
  })

  it("recognizes a body that cannot be encoded, and an invalid URL", () => {
    expect(failure(new Error("x"), "Encode")).toEqual({
      reason: "encode",
      delivered: "no",
      permanent: true,
    })
    expect(failure(new Error("x"), "InvalidUrl")).toEqual({
      reason: "invalidUrl",
      delivered: "no",
      permanent: true,
    })
  })

  it("looks into causes, as fetch nests them", () => {
    const fetched = new TypeError("fetch failed", { cause: coded("ENOTFOUND") })
    expect(failure(fetched).reason).toBe("dns")
    expect(failure(new Error("outer", { cause: fetched })).reason).toBe("dns")
  })

  it("looks into the errors of several addresses", () => {
    const each = [coded("EHOSTUNREACH", { syscall: "connect" }), coded("ECONNREFUSED")]
    const all = Object.assign(new AggregateError(each), { code: "EHOSTUNREACH" })
    expect(failure(new TypeError("fetch failed", { cause: all }))).toEqual({
      reason: "refused",
      delivered: "no",
      permanent: false,
    })
    expect(failure(new AggregateError([])).reason).toBe("broken")
  })

  it.each([[undefined], [null], ["ECONNREFUSED"], [7], [{ code: 5 }]])(
    "expects the worst of the cause %j",
    (cause) => {
      expect(failure(cause)).toEqual({ reason: "broken", delivered: "unknown", permanent: false })
    },
  )

  it("comes to an end with a cause that causes itself", () => {
    const loop: { cause?: unknown; errors?: Array<unknown> } = {}
    loop.cause = loop
    loop.errors = [loop]
    expect(failure(loop).reason).toBe("broken")
  })

  it("takes a body that broke off for a broken connection", () => {
    const response = HttpClientResponse.fromWeb(outgoing, new Response(""))
    const error = new HttpClientError.ResponseError({
      request: outgoing,
      response,
      reason: "Decode",
      cause: coded("ECONNREFUSED"),
    })
    expect(classifyError(error)).toEqual({
      reason: "broken",
      delivered: "unknown",
      permanent: false,
    })
  })
})
