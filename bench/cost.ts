/**
 * What a message costs the processor above the bare `HttpClient` call: in this process, where no
 * socket hides anything, and over a socket, by the platform's clients for undici and for `fetch`, and
 * by NodeDiscord's. CPU time of this process; medians of interleaved rounds.
 *
 *     npm run bench:cost                writes bench/results/cost.json
 *     npm run bench:cost -- --quick
 *     npm run bench:cost -- --only=send --seconds=10     one variant for a profiler;
 *                                       with --socket, and with --platform by the platform's client
 */
import { fork } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import {
  Message,
  MessageCreate,
  Permit,
  RateLimiter,
  RateLimitHeaders,
  RestConfig,
  Route,
  Strategy,
  Webhook,
} from "../src/index.js"
import { NodeDiscord } from "../src/node/index.js"
import { answers, headersAt, type Kind, messages } from "./cost/answer.js"
import { table } from "./simulation/table.js"

const quick = process.argv.includes("--quick")
const option = (name: string): string | undefined =>
  process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3)

type Services = HttpClient.HttpClient | RateLimiter.RateLimiter | Strategy.Strategy

interface Variant {
  readonly name: string
  readonly run: (kind: Kind, hook: Webhook.Webhook) => Effect.Effect<unknown, object, Services>
}

/** As long as Discord makes them. */
const token = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(2).slice(0, 68)
const origin = { current: "http://127.0.0.1:1" }

const encodeBody =
  (message: MessageCreate.MessageCreate) => (request: HttpClientRequest.HttpClientRequest) =>
    HttpClientRequest.schemaBodyJson(MessageCreate.MessageCreate)(request, message)
const decodeBody = HttpClientResponse.schemaBodyJson(Message.Message)

/** As somebody would write it who needs nothing of this SDK. */
const bare: Variant = {
  name: "bare HttpClient, text",
  run: (kind, { id }) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      Effect.flatMap(client.execute(post(kind, id)), (response) => response.text),
    ),
}

/** And with the answer's JSON read, but not looked at. */
const parsed: Variant = {
  name: "bare HttpClient, json",
  run: (kind, { id }) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      Effect.flatMap(client.execute(post(kind, id)), (response) => response.json),
    ),
}

/** And with the platform's own way to check both sides, by our Schemas. */
const checked: Variant = {
  name: "HttpClient with Schemas",
  run: (kind, { id }) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      HttpClientRequest.post(url(kind, id)).pipe(
        encodeBody(messages[kind]),
        Effect.flatMap(client.execute),
        Effect.flatMap(decodeBody),
      ),
    ),
}

const send: Variant = {
  name: "send",
  run: (kind, hook) => Webhook.send(hook, messages[kind]),
}

const fire: Variant = {
  name: "send, wait: false",
  run: (kind, hook) => Webhook.send(hook, messages[kind], { wait: false }),
}

const over: ReadonlyArray<Variant> = [bare, parsed, checked, send, fire]

// --- the parts that a send is made of ---------------------------------------------------------

const decode = Schema.decodeUnknownEither(Message.Message)
const json = { text: JSON.parse(answers.text), embed: JSON.parse(answers.embed) } as const

const parts: ReadonlyArray<Variant> = [
  { name: "part: check and encode", run: (kind) => MessageCreate.encode(messages[kind]) },
  { name: "part: decode", run: (kind) => Effect.suspend(() => decode(json[kind])) },
  {
    name: "part: permit",
    run: (_, hook) =>
      Effect.flatMap(RateLimiter.RateLimiter, (limiter) =>
        Effect.flatMap(Strategy.Strategy, (policy) =>
          limiter.withPermit(routeOf(hook), { policy }, (permit) =>
            Effect.flatMap(Clock.currentTimeMillis, (now) => permit.settle(settled(now))),
          ),
        ),
      ),
  },
]

function settled(now: number): Permit.Outcome {
  const headers = RateLimitHeaders.parse(headersAt(now))
  return Permit.responded({ status: 200, headers, code: 0, message: "", limited: undefined })
}

// --- two ways to Discord ----------------------------------------------------------------------

/** As little as a client can do: what it costs is not ours. */
const canned = HttpClient.make((request, { pathname }) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const text = pathname.includes("/text") ? answers.text : answers.embed
    // With its length, as Discord's: the SDK then reads it by `text`.
    const headers = { ...headersAt(now), "content-length": String(text.length) }
    const source = { status: 200, headers, text: () => Promise.resolve(text) }
    return HttpClientResponse.fromWeb(request, source as unknown as Response)
  }),
)

const layer = (client: Layer.Layer<HttpClient.HttpClient>, kind: Kind) =>
  Layer.mergeAll(
    client,
    RateLimiter.layerMemoryWith({ globalLimit: 1_000_000 }),
    Strategy.layerAdaptive,
    RestConfig.layerWith({ baseUrl: `${origin.current}/${kind}` }),
    Logger.pretty,
  ).pipe(Layer.orDie)

function url(kind: Kind, id: string): string {
  return `${origin.current}/${kind}/webhooks/${id}/${token}?wait=true`
}

function post(kind: Kind, id: string): HttpClientRequest.HttpClientRequest {
  return HttpClientRequest.post(url(kind, id), { body: HttpBody.unsafeJson(messages[kind]) })
}

function routeOf({ id, tokenDigest }: Webhook.Webhook): Route.Route {
  const template = "/webhooks/{webhook.id}/{webhook.token}"
  return Route.make({ method: "POST", template, webhookId: id, tokenDigest })
}

// --- measuring --------------------------------------------------------------------------------

const lanes = 64
const hooks = Array.from({ length: lanes }, (_, index) =>
  Effect.runSync(Webhook.make({ id: String(1_100_000_000_000_000n + BigInt(index)), token })),
)

type Runtime = ManagedRuntime.ManagedRuntime<Services, never>

/** CPU microseconds of one call, over `calls` of them, so many at once. */
async function once(runtime: Runtime, variant: Variant, kind: Kind, calls: number, atOnce: number) {
  const each = Math.ceil(calls / atOnce)
  const lane = Effect.fnUntraced(function* (hook: Webhook.Webhook) {
    for (let index = 0; index < each; index += 1) yield* variant.run(kind, hook)
  })
  const before = process.cpuUsage()
  await runtime.runPromise(
    Effect.forEach(hooks.slice(0, atOnce), lane, { concurrency: "unbounded", discard: true }),
  )
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (each * atOnce)
}

interface Cost {
  readonly place: "in process" | "undici" | "fetch" | "NodeDiscord"
  readonly message: Kind
  readonly variant: string
  readonly cpuMicros: number
  /** Above the bare call with its text read, as a share of it. */
  readonly above: number
  /** Relative to the same client with the platform's own Schemas. */
  readonly toSchemas: number
}

async function compare(
  place: Cost["place"],
  kind: Kind,
  client: Layer.Layer<HttpClient.HttpClient>,
  variants: ReadonlyArray<Variant>,
  { calls, rounds, atOnce }: { calls: number; rounds: number; atOnce: number },
): Promise<ReadonlyArray<Cost>> {
  const runtime = ManagedRuntime.make(layer(client, kind))
  const seen = new Map<string, Array<number>>()
  for (let round = -1; round < rounds; round += 1) {
    for (const [turn] of variants.entries()) {
      const variant = variants[(turn + round + 1) % variants.length]!
      const micros = await once(runtime, variant, kind, calls, atOnce)
      // The first round warms up.
      if (round >= 0) seen.set(variant.name, [...(seen.get(variant.name) ?? []), micros])
    }
  }
  await runtime.dispose()
  const median = (name: string): number => {
    const sorted = [...(seen.get(name) ?? [])].sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  }
  return variants.map(({ name }) => ({
    place,
    message: kind,
    variant: name,
    cpuMicros: median(name),
    above: median(name) / median(bare.name) - 1,
    toSchemas: median(name) / median(checked.name),
  }))
}

const child = fork(resolve(import.meta.dirname, "cost/server.js"), { execArgv: [] })
const port = await new Promise<number>((done) => child.once("message", (_) => done(Number(_))))
origin.current = `http://127.0.0.1:${port}`

const inProcess = Layer.succeed(HttpClient.HttpClient, canned)
const only = option("only")
if (only !== undefined) await profile(only)
else await all()
child.disconnect()

/** One variant for so many seconds, so that a profile shows nothing else. */
async function profile(name: string): Promise<void> {
  const variant = [...over, ...parts].find((one) => one.name === name)
  if (variant === undefined) throw new Error(`there is no variant ${name}`)
  const isSocket = process.argv.includes("--socket")
  const client = !isSocket
    ? inProcess
    : process.argv.includes("--platform")
      ? NodeHttpClient.layerUndici
      : Layer.orDie(NodeDiscord.layerHttpClient)
  const runtime = ManagedRuntime.make(layer(client, "embed"))
  const end = performance.now() + Number(option("seconds") ?? 5) * 1000
  while (performance.now() < end) {
    await once(runtime, variant, "embed", isSocket ? 1000 : 5000, isSocket ? lanes : 1)
  }
  await runtime.dispose()
}

async function all(): Promise<void> {
  const costs: Array<Cost> = []
  const overSocket = { calls: quick ? 1000 : 2000, rounds: quick ? 3 : 7, atOnce: lanes }
  for (const kind of ["text", "embed"] as const) {
    costs.push(
      ...(await compare("in process", kind, inProcess, [...over, ...parts], {
        calls: quick ? 1000 : 4000,
        rounds: quick ? 3 : 7,
        atOnce: 1,
      })),
      ...(await compare("undici", kind, NodeHttpClient.layerUndici, over, overSocket)),
      ...(await compare("fetch", kind, FetchHttpClient.layer, over, overSocket)),
      ...(await compare(
        "NodeDiscord",
        kind,
        Layer.orDie(NodeDiscord.layerHttpClient),
        over,
        overSocket,
      )),
    )
  }
  console.log(
    table(
      ["client", "message", "variant", "CPU us", "above bare", "to Schemas"],
      costs.map((cost) => [
        cost.place,
        cost.message,
        cost.variant,
        cost.cpuMicros.toFixed(1),
        ...(cost.variant.startsWith("part")
          ? ["", ""]
          : [`${(100 * cost.above).toFixed(0)} %`, cost.toSchemas.toFixed(2)]),
      ]),
    ),
  )
  if (quick) return
  const folder = resolve(import.meta.dirname.replace(/build\/bench$/, ""), "results")
  mkdirSync(folder, { recursive: true })
  writeFileSync(resolve(folder, "cost.json"), `${JSON.stringify(costs, null, 2)}\n`)
}
