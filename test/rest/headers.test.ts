import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterEach, describe, expect, vi } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { execute } from "../../src/rest/pipeline.js"
import type { RestRequest } from "../../src/rest/request.js"
import { recordingLimiter, network, request } from "./network.js"

const headersOf = (changes: Partial<RestRequest<void>>) =>
  Effect.gen(function* () {
    const net = network({ answer: 204 })
    yield* execute(request(changes)).pipe(
      RestConfig.withOptions({ userAgent: "DiscordBot (here, 1)" }),
      Effect.provide(Layer.mergeAll(net.layer, recordingLimiter().layer, Strategy.layerReactive)),
    )
    return net.sent.map(({ headers }) => headers)
  })

afterEach(() => {
  vi.unstubAllGlobals()
})

describe("the headers of a request", () => {
  it.effect("leave the user agent to a browser", () =>
    Effect.gen(function* () {
      vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)" })
      expect((yield* headersOf({}))[0]).not.toHaveProperty("user-agent")
    }),
  )

  it.effect("name us in runtimes whose navigator is no browser", () =>
    Effect.gen(function* () {
      vi.stubGlobal("navigator", { userAgent: "Deno/2.1" })
      expect((yield* headersOf({}))[0]).toHaveProperty("user-agent", "DiscordBot (here, 1)")
    }),
  )

  it.effect("are sent beside those of every request", () =>
    Effect.gen(function* () {
      expect(yield* headersOf({ headers: { "X-GitHub-Event": "push" } })).toMatchObject([
        { "x-github-event": "push", "user-agent": "DiscordBot (here, 1)" },
      ])
    }),
  )

  it.effect("stay with that request", () =>
    Effect.gen(function* () {
      yield* headersOf({ headers: { "X-GitHub-Event": "push" } })
      expect((yield* headersOf({}))[0]).not.toHaveProperty("x-github-event")
    }),
  )
})
