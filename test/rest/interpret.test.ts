import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { Route } from "../../src/index.js"
import { parseHead, interpret } from "../../src/rest/attempt.js"
import {
  decodedBody,
  ignoredBody,
  okBody,
  type RestRequest,
  type ResponseBody,
} from "../../src/rest/request.js"
import { request, token } from "./network.js"

const wanted = decodedBody((json) =>
  typeof json === "object" && json !== null && "id" in json
    ? Either.right(json)
    : Either.left([{ path: "id", message: "is missing" }]),
)

const interpretResponse = (
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
  changes: Partial<RestRequest<unknown>> = {},
  isDiscordHost = true,
) =>
  interpret(
    request<unknown>({ success: wanted, ...changes }),
    {
      ...parseHead(status, headers, Redacted.make(token)),
      body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
    },
    { isDiscordHost },
  )

const errorOf = (...args: Parameters<typeof interpretResponse>) => {
  const { classification } = interpretResponse(...args)
  if (classification._tag !== "ClientError") throw new Error(`meant ${classification._tag}`)
  return classification.error
}

const limitOf = (body: unknown, headers: Record<string, string> = {}, isDiscordHost = true) => {
  const { classification } = interpretResponse(429, body, headers, {}, isDiscordHost)
  if (classification._tag !== "RateLimited") throw new Error(`meant ${classification._tag}`)
  return classification.limited
}

describe("a response to an interaction", () => {
  const route = Route.make({
    method: "POST",
    template: "/webhooks/{webhook.id}/{webhook.token}",
    webhookId: "42",
    tokenDigest: "d1g35t",
    kind: "interaction",
  })

  it.each([
    [404, 10015, "notResponded"],
    [401, 50027, "expired"],
    [400, 40094, "tooManyFollowUps"],
  ])("%s with code %s means %s", (status, code, reason) => {
    const error = errorOf(status, { code, message: "no" }, {}, { route })
    expect(error).toMatchObject({
      _tag: "WebhookInteractionError",
      reason,
      code,
      remembered: false,
    })
  })

  it("with another code means what it means elsewhere", () => {
    expect(errorOf(404, { code: 10008, message: "no" }, {}, { route })._tag).toBe(
      "WebhookMessageNotFound",
    )
    expect(errorOf(401, {}, {}, { route })._tag).toBe("WebhookUnauthorized")
  })
})

describe("a 2xx response", () => {
  it("is decoded", () => {
    expect(interpretResponse(200, { id: "1" })).toEqual({
      classification: { _tag: "Success", value: { id: "1" } },
      code: 0,
      reply: "",
    })
  })

  it.each<[string, number, unknown, string, string]>([
    ["an empty body", 200, "", "", "the body is empty"],
    ["no body where one is wanted", 204, "", "", "the body is empty"],
    ["HTML", 200, "<html><body>hello</body></html>", "", "the body is not JSON"],
    ["half a JSON", 200, '{"id": "1', "", "the body is not JSON"],
    ["a missing field", 200, { name: "x" }, "id", "is missing"],
    ["not even an object", 200, "7", "id", "is missing"],
  ])(
    "with %s is a DiscordDecodeError that says it took effect",
    (_, status, body, path, message) => {
      const error = errorOf(status, body, { "x-ratelimit-bucket": "hash" })
      expect(error).toMatchObject({
        _tag: "DiscordDecodeError",
        route: "POST /webhooks/{webhook.id}/{webhook.token}",
        status,
        delivered: "yes",
        issues: [{ path, message }],
      })
      expect(error.message).toContain(message)
    },
  )

  const bucket = { "x-ratelimit-bucket": "hash" }
  const resetAfter = { "x-ratelimit-reset-after": "1" }
  it.each<[number, unknown, Record<string, string>, ResponseBody<void>]>([
    [204, "", {}, ignoredBody],
    [204, undefined, {}, ignoredBody],
    [200, { id: "1" }, {}, ignoredBody],
    [200, { id: "1", channel_id: "2" }, { "content-type": "text/html" }, ignoredBody],
    [200, "", bucket, ignoredBody],
    [200, "anything", resetAfter, ignoredBody],
    [202, undefined, bucket, ignoredBody],
    [200, undefined, { "content-type": "application/json" }, ignoredBody],
    [200, "ok", { "content-type": "text/html" }, okBody],
    [200, "ok\n", {}, okBody],
    [204, "", {}, okBody],
  ])("of %i with body %j and headers %j is Discord's", (status, body, headers, success) => {
    expect(interpretResponse(status, body, headers, { success }).classification).toEqual({
      _tag: "Success",
      value: undefined,
    })
  })

  const page = "<!doctype html><html><head><title>Log in</title></head></html>"
  it.each<[number, unknown, Record<string, string>, ResponseBody<unknown>, string]>([
    [200, page, { "content-type": "text/html" }, ignoredBody, "the body is not JSON"],
    [200, page, { "content-type": "text/html" }, okBody, "the body is not JSON"],
    [200, page, { "content-type": "text/html" }, wanted, "the body is not JSON"],
    [201, "ok", { "content-type": "text/plain" }, ignoredBody, "the body is not JSON"],
    [200, "", {}, ignoredBody, "the body is empty"],
    [200, "", {}, wanted, "the body is empty"],
    [200, '{"id": "1', { "content-type": "text/plain" }, wanted, "the body is not JSON"],
    [200, { status: "ok" }, { "x-ratelimit-limit": "60" }, ignoredBody, "not an object of Discord"],
    [200, { id: 7 }, {}, ignoredBody, "not an object of Discord"],
    [200, { error: "no such page" }, {}, wanted, "is missing"],
  ])("of %i with body %j and headers %j is not", (status, body, headers, success, message) => {
    const { classification } = interpretResponse(status, body, headers, { success })
    expect(classification).toMatchObject({
      _tag: "NotDiscord",
      error: { _tag: "DiscordDecodeError", status, delivered: "unknown" },
    })
    if (classification._tag !== "NotDiscord") return
    expect(classification.error.message).toContain(message)
    expect(classification.error.message).toContain("baseUrl")
    expect(classification.error.message).toContain("it may or may not have taken effect")
    expect(classification.error.message).toContain(headers["content-type"] ?? "response")
  })

  it.each<[string, number, string | undefined, ResponseBody<unknown>, boolean, unknown]>([
    ["a 204 in place of a message", 204, "", wanted, true, { error: { delivered: "yes" } }],
    [
      "a 204 in place of a message",
      204,
      "",
      wanted,
      false,
      { _tag: "NotDiscord", error: { delivered: "unknown" } },
    ],
    ["a 204 where no body is expected", 204, "", ignoredBody, false, { _tag: "Success" }],
    ["truncated JSON", 200, undefined, wanted, true, { delivered: "yes" }],
    ["truncated JSON", 200, undefined, wanted, false, { delivered: "unknown" }],
    ["truncated JSON", 200, undefined, ignoredBody, true, { _tag: "Success" }],
    ["truncated JSON", 200, undefined, ignoredBody, false, { delivered: "unknown" }],
  ])(
    "without Discord's headers, %s (%i, %j, %j): Discord's host %j",
    (_, status, body, success, isDiscordHost, expected) => {
      const json = { "content-type": "application/json" }
      const { classification } = interpretResponse(status, body, json, { success }, isDiscordHost)
      expect(classification).toMatchObject(expected as object)
    },
  )

  it("with Discord's headers is Discord's behind any host", () => {
    expect(interpretResponse(204, "", bucket, {}, false).classification).toMatchObject({
      error: { delivered: "yes" },
    })
    expect(interpretResponse(200, undefined, resetAfter, {}, false).classification).toMatchObject({
      delivered: "yes",
    })
  })

  it("shows no token in its content type", () => {
    const { classification } = interpretResponse(200, page, { "content-type": `text/${token}` })
    expect(JSON.stringify(classification)).not.toContain(token)
  })

  it("whose body broke off is cut, and delivered if its head is Discord's", () => {
    expect(interpretResponse(200, undefined).classification).toEqual({
      _tag: "TruncatedBody",
      delivered: "unknown",
    })
    expect(interpretResponse(200, undefined, {}, { success: ignoredBody }).classification).toEqual({
      _tag: "TruncatedBody",
      delivered: "unknown",
    })
    for (const headers of [bucket, { "content-type": "application/json; charset=utf-8" }]) {
      expect(interpretResponse(200, undefined, headers).classification).toEqual({
        _tag: "TruncatedBody",
        delivered: "yes",
      })
    }
  })
})

describe("Discord's codes", () => {
  const reply = "Discord's own words"
  const cases: ReadonlyArray<
    [code: number, status: number, tag: string, more?: Record<string, unknown>]
  > = [
    [10015, 404, "WebhookNotFound", { webhookId: "42", remembered: false }],
    [50027, 401, "WebhookUnauthorized", { webhookId: "42", remembered: false }],
    [10008, 404, "WebhookMessageNotFound"],
    [10008, 403, "WebhookForbidden"],
    [0, 401, "WebhookUnauthorized", { remembered: false }],
    [40001, 401, "WebhookUnauthorized"],
    [50014, 401, "WebhookUnauthorized"],
    [50001, 403, "WebhookForbidden"],
    [50005, 403, "WebhookForbidden"],
    [50013, 403, "WebhookForbidden"],
    [40333, 403, "WebhookForbidden"],
    [0, 403, "WebhookForbidden"],
    [400001, 403, "WebhookForbidden"],
    [50083, 400, "WebhookThreadError", { reason: "archived" }],
    [160005, 400, "WebhookThreadError", { reason: "locked" }],
    [160005, 403, "WebhookThreadError", { reason: "locked" }],
    [220001, 400, "WebhookThreadError", { reason: "nameRequired" }],
    [220002, 400, "WebhookThreadError", { reason: "nameAndId" }],
    [220003, 400, "WebhookThreadError", { reason: "notAForum" }],
    [220004, 400, "WebhookThreadError", { reason: "serviceInForum" }],
    [40067, 400, "WebhookThreadError", { reason: "tagRequired" }],
    [10087, 404, "WebhookThreadError", { reason: "unknownTag" }],
    [160006, 400, "WebhookThreadError", { reason: "tooManyActive" }],
    [160007, 400, "WebhookThreadError", { reason: "tooManyActive" }],
    [40058, 400, "WebhookThreadError", { reason: "cannotPost" }],
    [50008, 400, "WebhookThreadError", { reason: "cannotPost" }],
    [40005, 413, "WebhookPayloadTooLarge"],
    [50045, 400, "WebhookPayloadTooLarge"],
    [0, 413, "WebhookPayloadTooLarge"],
    [50035, 400, "WebhookBadRequest"],
    [50006, 400, "WebhookBadRequest"],
    [50109, 400, "WebhookBadRequest"],
    [30015, 400, "WebhookBadRequest"],
    [50046, 400, "WebhookBadRequest"],
    [50110, 400, "WebhookBadRequest"],
    [50123, 400, "WebhookBadRequest"],
    [50138, 400, "WebhookBadRequest"],
    [50146, 400, "WebhookBadRequest"],
    [0, 400, "WebhookBadRequest"],
    [10003, 404, "DiscordApiError"],
    [30007, 400, "DiscordApiError"],
    [50024, 400, "DiscordApiError"],
    [50041, 400, "DiscordApiError"],
    [200000, 400, "DiscordApiError"],
    [240000, 400, "DiscordApiError"],
    [520003, 400, "DiscordApiError"],
    [999999, 400, "DiscordApiError"],
    [0, 404, "DiscordApiError"],
    [0, 405, "DiscordApiError"],
  ]
  it.each(cases)("%i with status %i is %s", (code, status, tag, more) => {
    expect(errorOf(status, { code, message: reply })).toMatchObject({
      _tag: tag,
      route: "POST /webhooks/{webhook.id}/{webhook.token}",
      status,
      code,
      reply,
      ...more,
    })
  })

  it("10003 is an unknown thread when a thread was named", () => {
    const error = errorOf(404, { code: 10003, message: "Unknown Channel" }, {}, { inThread: true })
    expect(error).toMatchObject({ _tag: "WebhookThreadError", reason: "unknownThread" })
  })

  it.each([500, 502, 503, 504, 599])("status %i is a server error with any code", (status) => {
    expect(interpretResponse(status, { code: 130000, message: "API overloaded" })).toEqual({
      classification: { _tag: "ServerError" },
      code: 130000,
      reply: "API overloaded",
    })
  })

  it("gives the limiter code and words of a dead webhook", () => {
    const { code, reply: words } = interpretResponse(404, {
      code: 10015,
      message: "Unknown Webhook",
    })
    expect([code, words]).toEqual([10015, "Unknown Webhook"])
  })
})

describe("the tree of 50035", () => {
  it("is flattened to paths in the user's spelling", () => {
    const error = errorOf(400, {
      code: 50035,
      message: "Invalid Form Body",
      errors: {
        embeds: {
          "0": {
            fields: {
              "2": { name: { _errors: [{ code: "BASE_TYPE_REQUIRED", message: "required" }] } },
            },
            footer: {
              icon_url: { _errors: [{ code: "URL_TYPE_INVALID_URL", message: "bad url" }] },
            },
          },
        },
        _errors: [{ code: "WHOLE", message: "all of it" }],
      },
    })
    expect(error).toMatchObject({
      _tag: "WebhookBadRequest",
      issues: [
        { path: "embeds[0].fields[2].name", code: "BASE_TYPE_REQUIRED", message: "required" },
        { path: "embeds[0].footer.iconUrl", code: "URL_TYPE_INVALID_URL", message: "bad url" },
        { path: "", code: "WHOLE", message: "all of it" },
      ],
    })
    expect(error.message).toContain("embeds[0].fields[2].name: required")
  })

  it("of version 6, without code and message, is read too", () => {
    expect(errorOf(400, { embeds: ["0"] })).toMatchObject({
      _tag: "WebhookBadRequest",
      code: 0,
      issues: [{ path: "embeds[0]", message: "is refused" }],
    })
  })
})

describe("a code as text", () => {
  it.each([
    [404, "10015", "WebhookNotFound", 10015],
    [401, "50027", "WebhookUnauthorized", 50027],
    [400, "50035", "WebhookBadRequest", 50035],
    [404, "unknown", "DiscordApiError", 0],
    [404, "", "DiscordApiError", 0],
  ])("of a %i, %j, is a %s", (status, text, tag, code) => {
    expect(errorOf(status, { message: "no", code: text })).toMatchObject({ _tag: tag, code })
  })
})

describe("an error body without a message", () => {
  it("keeps its code", () => {
    expect(errorOf(404, { code: 10015 })).toMatchObject({
      _tag: "WebhookNotFound",
      code: 10015,
      reply: '{"code":10015}',
    })
  })

  it("keeps its tree", () => {
    const errors = { content: { _errors: [{ code: "X", message: "wrong" }] } }
    expect(errorOf(400, { code: 50035, errors })).toMatchObject({
      _tag: "WebhookBadRequest",
      code: 50035,
      reply: "",
      issues: [{ path: "content", code: "X", message: "wrong" }],
    })
  })
})

describe("an error body with too many issues", () => {
  it("reports how many are left out", () => {
    const many = Array.from({ length: 30_000 }, () => "wrong")
    const error = errorOf(400, { content: many })
    expect(error).toMatchObject({ _tag: "WebhookBadRequest", omitted: 29_900 })
    expect("issues" in error && error.issues.length).toBe(100)
    expect(error.message).toMatch(/and 29995 more$/)
  })
})

describe("responses that are not Discord's", () => {
  it.each([
    ["plain text", 400, "bad request", "WebhookBadRequest", "bad request"],
    [
      "a page",
      403,
      "<!DOCTYPE html><html><head><title>Access denied</title></head></html>",
      "WebhookForbidden",
      "Access denied",
    ],
    [
      "a page without title",
      404,
      "<html><body><h1>not</h1> <p>found</p></body></html>",
      "DiscordApiError",
      "not found",
    ],
    [
      "a page",
      413,
      "<html><head><title>413 Too Large</title></head></html>",
      "WebhookPayloadTooLarge",
      "413 Too Large",
    ],
    ["nothing", 404, "", "DiscordApiError", ""],
    ["half a JSON", 404, '{"code": 10015, "mess', "DiscordApiError", '{"code": 10015, "mess'],
    ["null", 401, "null", "WebhookUnauthorized", "null"],
    ["a list", 403, "[1]", "WebhookForbidden", "[1]"],
    ["no body that arrived", 403, undefined, "WebhookForbidden", ""],
  ])("%s with %i", (_, status, body, tag, reply) => {
    expect(errorOf(status, body)).toMatchObject({ _tag: tag, status, code: 0, reply })
  })

  it.each([100, 101, 199])("%i does not reject the request: it may have taken effect", (status) => {
    expect(interpretResponse(status, "").classification).toEqual({ _tag: "ServerError" })
  })

  it("503 of plain text and 500 of JSON both mean that the server failed", () => {
    expect(interpretResponse(503, "upstream connect error")).toEqual({
      classification: { _tag: "ServerError" },
      code: 0,
      reply: "upstream connect error",
    })
    expect(interpretResponse(500, { code: 0, message: "500: Internal Server Error" }).reply).toBe(
      "500: Internal Server Error",
    )
  })

  it.each([301, 302, 307, 308, 0])(
    "a redirect (%i) is not followed, and the error explains it",
    (status) => {
      const error = errorOf(status, "")
      expect(error).toMatchObject({ _tag: "DiscordApiError", status })
      expect(error.message).toContain("baseUrl")
    },
  )

  it.each([304, 305, 399])("a %i is no redirect", (status) => {
    const error = errorOf(status, "")
    expect(error).toMatchObject({ _tag: "DiscordApiError", status })
    expect(error.message).not.toContain("redirect")
  })

  it.each([
    [304, /a cache responded/],
    [421, /does not serve this host; check baseUrl/],
  ])("a %i without a message is explained", (status, says) => {
    expect(errorOf(status, "").message).toMatch(says)
    expect(errorOf(status, { message: "no", code: 0 }).message).not.toMatch(says)
  })
})

describe("a 429", () => {
  const discords = { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0" }

  it("takes the larger of body and header", () => {
    // discord-api-docs#6109: the header said 1 s, the body 1163 s.
    const body = { message: "slow", retry_after: 1163.5, global: false, code: 20028 }
    expect(limitOf(body, { "retry-after": "1", "x-ratelimit-scope": "shared" })).toEqual({
      scope: "shared",
      retryAfter: 1_163_500,
    })
    expect(limitOf({ ...body, retry_after: 1 }, { "retry-after": "7" }).retryAfter).toBe(7000)
    expect(limitOf({ ...body, retry_after: 0.4 }, { "retry-after": "2" }).retryAfter).toBe(2000)
  })

  it("takes the body's figure where the header is the same, rounded up to a second", () => {
    const body = { message: "slow", retry_after: 1.752, global: false }
    expect(limitOf(body, { "retry-after": "2" }).retryAfter).toBe(1752)
    expect(limitOf({ ...body, retry_after: 3 }, { "retry-after": "3" }).retryAfter).toBe(3000)
    expect(limitOf({ ...body, retry_after: 0 }, { "retry-after": "1" }).retryAfter).toBe(1000)
  })

  it("keeps fractions, rounded up to a millisecond", () => {
    expect(limitOf({ retry_after: 0.0641, global: false }).retryAfter).toBe(65)
    expect(limitOf({ retry_after: 16.1, global: false }).retryAfter).toBe(16_100)
    expect(limitOf("", { ...discords, "retry-after": "0.2501" }).retryAfter).toBe(251)
  })

  it.each([
    ["global by the body", { retry_after: 1, global: true }, {}, "global"],
    ["global by a header", { retry_after: 1 }, { "x-ratelimit-global": "true" }, "global"],
    ["global by its scope", { retry_after: 1 }, { "x-ratelimit-scope": "global" }, "global"],
    ["shared by its scope", { retry_after: 1 }, { "x-ratelimit-scope": "shared" }, "shared"],
    ["user by its scope", { retry_after: 1 }, { "x-ratelimit-scope": "user" }, "user"],
    ["user by default", { retry_after: 1, global: false }, {}, "user"],
    ["user by its headers alone", "", discords, "user"],
    ["user with an odd scope", { retry_after: 1 }, { "x-ratelimit-scope": "galactic" }, "user"],
    ["user: a code without a delay", { message: "Too many edits", code: 30046 }, {}, "user"],
    ["user: a code and an unusable delay", { code: 30046, retry_after: null }, {}, "user"],
    ["user: Discord's body without its delay", { message: "x", global: false }, {}, "user"],
    ["global: Discord's body without its delay", { message: "x", global: true }, {}, "global"],
    ["user: a code as text", { message: "Too many edits", code: "30046" }, {}, "user"],
    ["user: a delay as text", { message: "slow", retry_after: "0.5" }, {}, "user"],
    ["user: a message with Discord's Via", { message: "x" }, { via: "1.1 google" }, "user"],
    ["user: Discord's Via after a proxy's", "", { via: "1.1 google, 1.1 squid" }, "user"],
    ["edge: a message with a proxy's Via", { message: "x" }, { via: "1.1 squid" }, "edge"],
    ["edge: a message alone", { message: "You are being blocked" }, {}, "edge"],
    ["edge: a status as code", { message: "x", code: "429" }, {}, "edge"],
    ["edge: Cloudflare's JSON", { cloudflare_error: true, retry_after: 30 }, {}, "edge"],
    ["edge: plain text", "error code: 1015", {}, "edge"],
    ["edge: a page", "<html><title>Blocked</title></html>", {}, "edge"],
    ["edge: nothing at all", "", {}, "edge"],
    ["edge: JSON that is not Discord's", { message: "You are being blocked", code: 0 }, {}, "edge"],
    ["edge: half a JSON", '{"retry_after": 1, "glo', {}, "edge"],
    ["edge: only Retry-After", "error code: 1015", { "retry-after": "9" }, "edge"],
  ])("is %s", (_, body, headers, scope) => {
    expect(limitOf(body, headers).scope).toBe(scope)
  })

  it("without anything of Discord's is the proxy's where the host is not Discord's", () => {
    expect(limitOf("<html>429</html>", {}, false)).toEqual({
      scope: "proxy",
      retryAfter: undefined,
    })
    expect(limitOf({ message: "x", code: 30046 }, {}, false).scope).toBe("user")
    expect(limitOf({ retry_after: 1, global: false }, {}, false).scope).toBe("user")
    expect(limitOf({ message: "x", code: "30046" }, {}, false).scope).toBe("user")
    expect(limitOf({ message: "API rate limit exceeded" }, {}, false).scope).toBe("proxy")
    // Google's load balancer is in front of many servers.
    expect(limitOf("<html>429</html>", { via: "1.1 google" }, false).scope).toBe("proxy")
  })

  it("takes the delay of Cloudflare's JSON, and of text", () => {
    expect(limitOf({ cloudflare_error: true, retry_after: 30 }).retryAfter).toBe(30_000)
    expect(limitOf({ retry_after: "0.5" }).retryAfter).toBe(500)
  })

  it("has no delay when none is usable", () => {
    expect(limitOf("error code: 1015").retryAfter).toBeUndefined()
    expect(limitOf("", { ...discords, "retry-after": "soon" }).retryAfter).toBeUndefined()
    expect(limitOf("", { ...discords, "retry-after": "-3" }).retryAfter).toBeUndefined()
  })

  it.each([[-1], [1e12], ["2"], [null], [Number.NaN]])(
    "ignores the delay %j in its body, and takes the header's",
    (retry_after) => {
      expect(limitOf({ retry_after }, { ...discords, "retry-after": "2" })).toEqual({
        scope: "user",
        retryAfter: 2000,
      })
    },
  )

  it("whose body broke off goes by its headers", () => {
    expect(limitOf(undefined, { ...discords, "retry-after": "2" })).toEqual({
      scope: "user",
      retryAfter: 2000,
    })
  })

  it("is a limit even with a code that would be an error", () => {
    expect(
      interpretResponse(429, { code: 10015, retry_after: 1, message: "x" }).classification._tag,
    ).toBe("RateLimited")
  })
})

describe("what came over the wire", () => {
  const spellings = [
    token,
    token.replaceAll("-", "%2D").replaceAll("_", "%5f"),
    token.toUpperCase(),
  ]
  it.each(spellings)("never shows the token, spelled %#", (spelled) => {
    const inTree = errorOf(400, {
      code: 50035,
      message: `at /webhooks/42/${spelled}`,
      errors: { [spelled]: { _errors: [{ code: spelled, message: `see ${spelled}` }] } },
    })
    const asText = errorOf(403, `blocked: /webhooks/42/${spelled} `)
    const inIssue = errorOf(
      200,
      {},
      { "x-ratelimit-bucket": "hash" },
      {
        success: decodedBody(() => Either.left([{ path: spelled, message: spelled }])),
      },
    )
    for (const error of [inTree, asText, inIssue]) {
      expect(JSON.stringify(error)).not.toContain(spelled)
      expect(error.message).toContain("[redacted]")
    }
  })
})
