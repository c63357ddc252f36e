/** One upload in a process of its own, whose memory is then its alone: `client.js LAYER PATH URL`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Duration from "effect/Duration"
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
  "NodeDiscord.layerHttpClient": Layer.orDie(NodeDiscord.layerHttpClient),
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

const collect = Effect.sync(() => globalThis.gc?.())
const resident = Effect.sync(() => process.memoryUsage.rss())
/** Bytes that are in use, after a collection. */
const held = Effect.map(collect, () => {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
})

/** The most that is seen while the effect runs, above what is seen before it. */
const most = <A, E, R>(
  bytes: Effect.Effect<number>,
  every: Duration.DurationInput,
  effect: Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const before = yield* Effect.zipRight(collect, bytes)
    let peak = before
    const watching = Effect.map(bytes, (now) => {
      peak = Math.max(peak, now)
    })
    yield* Effect.raceFirst(effect, Effect.repeat(watching, Schedule.spaced(every)))
    return peak - before
  })

const program = Effect.gen(function* () {
  const hook = yield* Webhook.make({ id: "1", token: "token" })
  // What is loaded and compiled for the first upload is no memory of the second.
  yield* Webhook.send(hook, { files: [FileUpload.fromStream("warm.bin", warm)] })
  const file = yield* FileUpload.fromPath(path)
  const upload = Webhook.send(hook, { files: [file] })
  const start = performance.now()
  const growth = yield* most(resident, "5 millis", upload)
  const milliseconds = performance.now() - start
  return {
    growth,
    held: yield* most(held, "20 millis", upload),
    milliseconds,
  } satisfies Measured
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
