/** Operations against a server that is not Discord, and responds with 200 to everything. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RateLimiter, Strategy, Webhook } from "../../src/index.js"

const octocat = {
  login: "octocat",
  id: 1,
  html_url: "https://github.com/octocat",
  avatar_url: "https://github.com/octocat.png",
}

const operations: Readonly<Record<string, (hook: Webhook.Webhook) => Webhook.Operation<unknown>>> =
  {
    send: (hook) => Webhook.send(hook, { content: "hello" }),
    "send without waiting": (hook) => Webhook.send(hook, { content: "hello" }, { wait: false }),
    getMessage: (hook) => Webhook.getMessage(hook, "1"),
    editMessage: (hook) => Webhook.editMessage(hook, "1", { content: "hello" }),
    deleteMessage: (hook) => Webhook.deleteMessage(hook, "1"),
    sendSlack: (hook) => Webhook.sendSlack(hook, { text: "hello" }),
    sendGitHub: (hook) => Webhook.sendGitHub(hook, "push", { sender: octocat }),
    get: Webhook.get,
    modify: (hook) => Webhook.modify(hook, { name: "Ada" }),
    delete: Webhook.delete,
  }

/** Sends everything to a server that returns this. */
const against = (body: string, contentType: string) =>
  Layer.mergeAll(
    Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) =>
        Effect.sync(() =>
          HttpClientResponse.fromWeb(
            request,
            new Response(body, { headers: { "content-type": contentType } }),
          ),
        ),
      ),
    ),
    RateLimiter.layerMemory,
    Strategy.layerReactive,
  )

const pages = [
  ["<!doctype html><title>Log in</title>", "text/html; charset=utf-8"],
  ['{"status":"ok"}', "application/json"],
  ["", "text/plain"],
  ["", "application/json"],
  ["<!doctype html><title>Log in</title>", "application/json"],
  ['{"id":"12', "application/json; charset=utf-8"],
] as const

describe("a 200 that is not Discord's is not taken for success", () => {
  for (const [body, contentType] of pages) {
    for (const [name, operation] of Object.entries(operations)) {
      it.effect(`${name}: ${contentType}: ${body}`, () =>
        Effect.gen(function* () {
          const hook = yield* Webhook.make({ id: "42", token: "a-token" })
          const error = yield* Effect.flip(Effect.asVoid(operation(hook)))
          expect(error).toMatchObject({
            _tag: "DiscordDecodeError",
            delivered: "unknown",
            contentType,
          })
          expect(error.message).toContain("baseUrl")
          expect(error.message).toContain(contentType)
        }).pipe(Effect.provide(against(body, contentType))),
      )
    }
  }
})
