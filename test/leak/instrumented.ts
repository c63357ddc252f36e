/**
 * A program under OpenTelemetry's automatic instrumentation, as the observability guide sets it up.
 * Prints the attributes of every client span as JSON. Argument: `hooks` or `none`.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { registerInstrumentations } from "@opentelemetry/instrumentation"
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http"
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RateLimiter, RestConfig, Strategy, Webhook, WebhookUrl } from "effect-discord"
import { NodeDiscord } from "effect-discord/node"

const withHooks = process.argv[2] === "hooks"

const spans = new InMemorySpanExporter()
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
tracerProvider.register()
registerInstrumentations({
  tracerProvider,
  instrumentations: withHooks
    ? [
        new UndiciInstrumentation({
          startSpanHook: ({ origin, path }) => ({
            "url.full": WebhookUrl.redact(origin + path),
            "url.path": WebhookUrl.redact(path),
          }),
        }),
        new HttpInstrumentation({
          ignoreIncomingRequestHook: () => true,
          startOutgoingSpanHook: ({ path }) => {
            const target = WebhookUrl.redact(path ?? "")
            return { "http.url": target, "http.target": target, "url.full": target }
          },
        }),
      ]
    : [
        new UndiciInstrumentation(),
        new HttpInstrumentation({ ignoreIncomingRequestHook: () => true }),
      ],
})

const token = process.argv[3] ?? ""
const server = createServer((_, response) => response.writeHead(204).end())
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  const client = {
    NodeDiscord: NodeDiscord.layerHttpClient,
    undici: NodeHttpClient.layerUndici,
    fetch: FetchHttpClient.layer,
    "node:http": NodeHttpClient.layer,
  }
  const send = Effect.gen(function* () {
    const hook = yield* Webhook.make({ id: "42", token })
    yield* Webhook.send(hook, { content: "hello" }, { wait: false })
  }).pipe(RestConfig.withOptions({ baseUrl: `http://127.0.0.1:${port}/api/v10` }))
  const program = Effect.forEach(Object.entries(client), ([name, layer]) =>
    send.pipe(
      Effect.provide(Layer.mergeAll(layer, RateLimiter.layerMemory, Strategy.layerReactive)),
      Effect.map(() => {
        const attributes = spans.getFinishedSpans().map((span) => span.attributes)
        spans.reset()
        return { name, attributes }
      }),
    ),
  )
  const print = Effect.map(program, (seen) => {
    console.log(JSON.stringify(seen))
    server.close()
    server.closeAllConnections()
  })
  void Effect.runPromise(print)
})
