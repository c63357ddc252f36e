import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { RestConfig, Strategy } from "../../src/index.js"
import { execute } from "../../src/rest/rest.js"
import type { RestRequest } from "../../src/rest/restRequest.js"
import { ear, network, request } from "./network.js"

const headersOf = (changes: Partial<RestRequest<void>>) =>
  Effect.gen(function* () {
    const net = network({ answer: 204 })
    yield* execute(request(changes)).pipe(
      RestConfig.withOptions({ userAgent: "DiscordBot (here, 1)" }),
      Effect.provide(Layer.mergeAll(net.layer, ear().layer, Strategy.layerReactive)),
    )
    return net.sent.map(({ headers }) => headers)
  })

describe("the headers of a request", () => {
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
