/** One upload in a process of its own, whose memory is then its alone: `client.js LAYER PATH URL`. */
import { FetchHttpClient } from "@effect/platform"
import type { HttpClient } from "@effect/platform"
import { NodeFileSystem, NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Schedule, Stream } from "effect"
import {
  FileUpload,
  RateLimiter,
  RestConfig,
  Strategy,
  UploadLimits,
  Webhook,
} from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import type { LayerName, Measured } from "./layers.js"

const layers: Readonly<Record<LayerName, Layer.Layer<HttpClient.HttpClient>>> = {
  "NodeDiscord.layerHttpClient": NodeDiscord.layerHttpClient,
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layer": NodeHttpClient.layer,
  "FetchHttpClient.layer": FetchHttpClient.layer,
}

const [name, path = "", baseUrl = ""] = process.argv.slice(2)

const piece = new Uint8Array(65_536)
const warm = {
  size: 160 * piece.length,
  stream: Stream.rechunk(Stream.take(Stream.repeatValue(piece), 160), 1),
}

const residentNow = Effect.sync(() => process.memoryUsage.rss())
const collected = Effect.zipRight(
  Effect.sync(() => globalThis.gc?.()),
  residentNow,
)

const program = Effect.gen(function* () {
  const hook = yield* Webhook.make({ id: "1", token: "token" })
  // What is loaded and compiled for the first upload is no memory of the second.
  yield* Webhook.send(hook, { files: [FileUpload.fromStream("warm.bin", warm)] })
  const before = yield* collected
  let peak = before
  const watching = Effect.map(residentNow, (now) => {
    peak = Math.max(peak, now)
  })
  const file = yield* FileUpload.fromPath(path)
  const start = performance.now()
  yield* Webhook.send(hook, { files: [file] }).pipe(
    Effect.raceFirst(Effect.repeat(watching, Schedule.spaced("5 millis"))),
  )
  return { growth: peak - before, milliseconds: performance.now() - start } satisfies Measured
}).pipe(
  RestConfig.withOptions({
    baseUrl,
    uploads: UploadLimits.presets.unlimited,
    timeout: "10 minutes",
  }),
  Effect.provide([
    layers[name as LayerName],
    Layer.orDie(RateLimiter.layerMemoryWith({})),
    Strategy.layerReactive,
    NodeFileSystem.layer,
  ]),
)

process.send?.(await Effect.runPromise(program))
process.disconnect()
