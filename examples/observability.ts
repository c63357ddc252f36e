/**
 * Prints a trace by OpenTelemetry's SDK, structured logs, and metrics. Always uses the simulator, in
 * this process, which limits the webhook once.
 *
 *     npx tsx examples/observability.ts
 */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"
import { RateLimiter, Strategy, Webhook } from "effect-discord"
import { DiscordSimulator } from "effect-discord/testing"

/** In production, use an exporter such as `OTLPTraceExporter`. */
const exporter = new InMemorySpanExporter()

const tracing = NodeSdk.layer(() => ({
  resource: { serviceName: "deploy-bot" },
  spanProcessor: new SimpleSpanProcessor(exporter),
}))

const program = Effect.gen(function* () {
  const discord = yield* DiscordSimulator.DiscordSimulator
  const webhook = yield* discord.createWebhook()
  const hook = yield* Webhook.fromUrl(webhook.url)

  yield* Console.log("Logs, from level debug on")
  yield* discord.applySharedLimit(webhook, { retryAfter: "2 seconds" })
  yield* Webhook.send(hook, { content: "Deployed." }).pipe(Effect.withSpan("deploy"))

  yield* Console.log("\nThe exported trace")
  yield* printSpan(exporter.getFinishedSpans(), undefined, 1)

  yield* Console.log("\nMetrics")
  yield* printCounter("discord.rate_limit.requests")
  yield* printCounter("discord.rate_limit.waits")
  yield* printCounter("discord.rate_limit.limited")
  yield* printCounter("discord.rate_limit.retries")
})

/** Logs some annotations; in production, `Logger.json` writes all. */
const compact = Logger.make(({ annotations, logLevel, message }) => {
  const shown = ["http.response.status_code", "discord.rate_limit.scope", "discord.attempt"]
  const about = shown.flatMap((name) =>
    HashMap.has(annotations, name)
      ? [`${name}=${String(HashMap.unsafeGet(annotations, name))}`]
      : [],
  )
  globalThis.console.log(`  ${logLevel.label} ${[String(message), ...about].join("  ")}`)
})

/** Prints a span and its children. */
function printSpan(
  spans: ReadonlyArray<ReadableSpan>,
  parent: string | undefined,
  depth: number,
): Effect.Effect<void> {
  const below = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
  return Effect.forEach(
    below,
    (span) =>
      Effect.zipRight(
        Console.log(`${"  ".repeat(depth)}${span.name}${details(span)}`),
        printSpan(spans, span.spanContext().spanId, depth + 1),
      ),
    { discard: true },
  )
}

function details({ attributes, events }: ReadableSpan): string {
  const shown = ["http.response.status_code", "http.request.resend_count", "discord.attempts"]
  const about = shown.flatMap((name) =>
    attributes[name] === undefined ? [] : [`${name.split(".").at(-1)} ${String(attributes[name])}`],
  )
  const wait = events.find(({ name }) => name === "discord.rate_limit.wait")
  const waited = Number(wait?.attributes?.["discord.rate_limit.waited_ms"]) / 1000
  const all = wait === undefined ? about : [...about, `waited ${waited.toFixed(2)} s`]
  return all.length === 0 ? "" : ` (${all.join(", ")})`
}

/** The sum over all labels, which are the route's template and the strategy. */
function printCounter(name: string): Effect.Effect<void> {
  return Effect.flatMap(Metric.snapshot, (pairs) => {
    const counts = pairs.flatMap(({ metricKey, metricState }) =>
      metricKey.name === name && MetricState.isCounterState(metricState)
        ? [Number(metricState.count)]
        : [],
    )
    return Console.log(`  ${name}: ${counts.reduce((sum, count) => sum + count, 0)}`)
  })
}

program.pipe(
  Effect.provide(
    Layer.mergeAll(
      DiscordSimulator.layerTest,
      RateLimiter.layerMemory,
      Strategy.layerAdaptive,
      tracing,
      Logger.replace(Logger.defaultLogger, compact),
      Logger.minimumLogLevel(LogLevel.Debug),
    ),
  ),
  NodeRuntime.runMain({ disablePrettyLogger: true }),
)

// Output:
// Logs, from level debug on
//   DEBUG Discord request  http.response.status_code=429  discord.attempt=1
//   WARN Rate limited  http.response.status_code=429  discord.rate_limit.scope=shared  discord.attempt=1
//   DEBUG Rate limit discovered
//   DEBUG Discord request  http.response.status_code=200  discord.attempt=2
//
// The exported trace
//   deploy
//     discord POST /webhooks/{webhook.id}/{webhook.token} (attempts 2, waited 1.96 s)
//       POST /webhooks/{webhook.id}/{webhook.token} (status_code 429)
//       POST /webhooks/{webhook.id}/{webhook.token} (status_code 200, resend_count 1)
//
// Metrics
//   discord.rate_limit.requests: 2
//   discord.rate_limit.waits: 1
//   discord.rate_limit.limited: 1
//   discord.rate_limit.retries: 1
