/**
 * A relay for Prometheus Alertmanager: takes its notifications over HTTP, stores them in an outbox before it
 * responds, and sends them to the webhook of the team. Neither SIGTERM nor `kill -9` loses one.
 *
 *     npx tsx examples/alert-relay.ts
 *
 * The example plays Alertmanager, ends the relay as SIGTERM does, and starts it again.
 */
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Markdown, Webhook } from "effect-discord"
import { Outbox } from "effect-discord/outbox"
import { SqliteOutbox } from "effect-discord/sqlite"
import { discord } from "./support/discord.js"

/** https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
const Notification = Schema.Struct({
  groupKey: Schema.String,
  groupLabels: Schema.Record({ key: Schema.String, value: Schema.String }),
  alerts: Schema.Array(
    Schema.Struct({
      status: Schema.Literal("firing", "resolved"),
      labels: Schema.Record({ key: Schema.String, value: Schema.String }),
      annotations: Schema.Record({ key: Schema.String, value: Schema.String }),
      startsAt: Schema.String,
      endsAt: Schema.String,
      fingerprint: Schema.String,
    }),
  ),
})
type Alert = (typeof Notification.Type)["alerts"][number]

const colors = { firing: 0xed4245, resolved: 0x57f287 }
const maxEmbeds = 10

const toEmbed = ({ annotations, labels, startsAt, status }: Alert) => ({
  title: Markdown.truncate(`${status}: ${labels["alertname"] ?? "alert"}`, 256),
  description: Markdown.truncate(annotations["summary"] ?? "", 4096),
  color: colors[status],
  timestamp: startsAt,
})

/** `DISCORD_WEBHOOK_URL_<TEAM>`, or the webhook of those without a team of their own. */
const webhookOf = (team: string) =>
  Webhook.config(`DISCORD_WEBHOOK_URL_${team.toUpperCase()}`).pipe(
    Config.orElse(() => Webhook.config("DISCORD_WEBHOOK_URL")),
  )

/** Alertmanager repeats a notification that it believes lost; the key makes it one message. */
const keyOf = (group: string, alerts: ReadonlyArray<Alert>) =>
  createHash("sha256")
    .update(
      JSON.stringify([group, alerts.map((one) => [one.fingerprint, one.startsAt, one.status])]),
    )
    .digest("hex")

const notify = Effect.gen(function* () {
  const { alerts, groupKey, groupLabels } = yield* HttpServerRequest.schemaBodyJson(Notification)
  const hook = yield* webhookOf(groupLabels["team"] ?? "")
  for (let at = 0; at < alerts.length; at += maxEmbeds) {
    const batch = alerts.slice(at, at + maxEmbeds)
    yield* Outbox.send(hook, { embeds: batch.map(toEmbed) }, { key: keyOf(groupKey, batch) })
  }
  // Alertmanager repeats what it gets another status for.
  return HttpServerResponse.empty({ status: 202 })
})

const router = HttpRouter.empty.pipe(HttpRouter.post("/alerts", notify))

const relay = (filename: string, port: number) =>
  HttpServer.serve(router).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })),
    Layer.merge(Outbox.worker({ pollInterval: "100 millis" })),
    Layer.provide(SqliteOutbox.layer({ filename })),
    Layer.launch,
  )

const numbers = Array.from({ length: 8 }, (_, index) => index + 1)

/** Plays Alertmanager. */
const post = (port: number, number: number) =>
  HttpClient.post(`http://127.0.0.1:${port}/alerts`, {
    body: HttpBody.unsafeJson({
      groupKey: `{}:{alertname="DiskFull", number="${number}"}`,
      groupLabels: { team: "storage" },
      alerts: [
        {
          status: "firing",
          labels: { alertname: "DiskFull", instance: `db-${number}` },
          annotations: { summary: `The disk of db-${number} is full` },
          startsAt: "2026-01-31T12:00:00.000Z",
          endsAt: "0001-01-01T00:00:00Z",
          fingerprint: number.toString(16).padStart(16, "0"),
        },
      ],
    }),
  }).pipe(
    // Until the relay listens.
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.scoped,
  )

const stats = (filename: string) => Effect.provide(Outbox.stats, SqliteOutbox.layer({ filename }))

const demonstration = (filename: string, port: number) =>
  Effect.gen(function* () {
    const first = yield* Effect.fork(relay(filename, port))
    const responses = yield* Effect.forEach(numbers, (number) => post(port, number), {
      concurrency: "unbounded",
    })
    yield* post(port, 1)
    const accepted = responses.filter(({ status }) => status === 202)
    yield* Console.log(`\nAlertmanager has posted ${accepted.length} alerts, one of them twice.`)

    // What NodeRuntime.runMain does on SIGTERM.
    yield* Fiber.interrupt(first)
    const { ready, sending, sent } = yield* stats(filename)
    yield* Console.log(`Stopped. Sent and stored: ${ready + sent}, in doubt: ${sending}.`)

    const second = yield* Effect.fork(relay(filename, port))
    yield* Effect.repeat(stats(filename), {
      until: (now) => now.sent === numbers.length,
      schedule: Schedule.spaced("100 millis"),
    })
    yield* Console.log(`Started again. Sent: ${numbers.length}.`)
    yield* Fiber.interrupt(second)
  })

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" ? address!.port : 0)))
  })
})

const folder = mkdtempSync(join(tmpdir(), "alert-relay-"))
Effect.flatMap(freePort, (port) => demonstration(join(folder, "outbox.db"), port)).pipe(
  Effect.provide(discord),
  Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true }))),
  NodeRuntime.runMain,
)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Alertmanager has posted 8 alerts, one of them twice.
// Stopped. Sent and stored: 8, in doubt: 0.
// Started again. Sent: 8.
