import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterEach, describe, expect, vi } from "vitest"
import { RestConfig, Strategy, Webhook } from "../../src/index.js"
import { network, recordingLimiter, withHook } from "./network.js"

/** The headers of the requests of these operations, in turn. */
const headersOf = (
  ...operations: ReadonlyArray<(hook: Webhook.Webhook) => Webhook.Operation<void>>
) =>
  Effect.gen(function* () {
    const net = network({ answer: 204 })
    yield* Effect.forEach(operations, withHook).pipe(
      RestConfig.withOptions({ userAgent: "DiscordBot (here, 1)" }),
      Effect.provide(Layer.mergeAll(net.layer, recordingLimiter().layer, Strategy.layerReactive)),
    )
    return net.sent.map(({ headers }) => headers)
  })

const send = (hook: Webhook.Webhook) => Webhook.send(hook, { content: "x" }, { wait: false })

const push = (hook: Webhook.Webhook) =>
  Webhook.sendGitHub(hook, "push", {
    sender: {
      id: 1815,
      login: "ada",
      html_url: "https://github.com/ada",
      avatar_url: "https://github.com/ada.png",
    },
  })

afterEach(() => {
  vi.unstubAllGlobals()
})

describe("the headers of a request", () => {
  it.effect("leave the user agent to a browser", () =>
    Effect.gen(function* () {
      vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)" })
      expect((yield* headersOf(send))[0]).not.toHaveProperty("user-agent")
    }),
  )

  it.effect("name us in runtimes whose navigator is no browser", () =>
    Effect.gen(function* () {
      vi.stubGlobal("navigator", { userAgent: "Deno/2.1" })
      expect((yield* headersOf(send))[0]).toHaveProperty("user-agent", "DiscordBot (here, 1)")
    }),
  )

  it.effect("are sent beside those of every request, and stay with that request", () =>
    Effect.gen(function* () {
      const [first, second] = yield* headersOf(push, send)
      expect(first).toMatchObject({
        "x-github-event": "push",
        "user-agent": "DiscordBot (here, 1)",
      })
      expect(second).toHaveProperty("user-agent", "DiscordBot (here, 1)")
      expect(second).not.toHaveProperty("x-github-event")
    }),
  )
})
