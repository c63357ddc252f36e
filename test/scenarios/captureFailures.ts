/** Everything that an outsider may see of failures: errors in every form, spans, logs. */
import { inspect } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { Webhook } from "../../src/index.js"
import { type DiscordSimulator, Fault } from "../../src/testing/index.js"
import { inTurns } from "../support/laws.js"
import { type Way, within } from "./harness.js"

/** One of each kind, and the token in Discord's mouth. */
const faults = (url: string): ReadonlyArray<Fault.Fault> => [
  Fault.html(502),
  Fault.text(503, `upstream connect error for ${url}`),
  Fault.text(404, `Cannot POST ${url}`),
  Fault.respond({ status: 400, body: { message: url, code: 50035, errors: { url: [url] } } }),
  Fault.respond({ status: 401, body: { message: `401: ${encodeURIComponent(url)}`, code: 0 } }),
  Fault.respond({ status: 302, headers: { location: url } }),
  Fault.alter((response) => ({ ...response, body: JSON.stringify({ id: url, content: [url] }) })),
  Fault.truncatedJson,
  Fault.emptyBody,
  Fault.truncateBody,
  Fault.refuseConnection,
  Fault.resetBefore,
  Fault.neverRespond,
  Fault.cloudflareLimit(),
]

class WatchedSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly spanId = "span"
  readonly traceId = "trace"
  readonly sampled = true
  status: Tracer.SpanStatus
  readonly attributes = new Map<string, unknown>()
  readonly name: string
  readonly parent: Tracer.Span["parent"]
  readonly context: Tracer.Span["context"]
  readonly links: Tracer.Span["links"]
  readonly kind: Tracer.SpanKind
  readonly #seen: Array<string>

  constructor(
    name: string,
    parent: Tracer.Span["parent"],
    context: Tracer.Span["context"],
    links: Tracer.Span["links"],
    startTime: bigint,
    kind: Tracer.SpanKind,
    seen: Array<string>,
  ) {
    this.name = name
    this.parent = parent
    this.context = context
    this.links = links
    this.kind = kind
    this.status = { _tag: "Started", startTime }
    this.#seen = seen
    seen.push(name)
  }

  end(_: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.#seen.push(...formsOf(exit))
  }

  attribute(key: string, value: unknown): void {
    this.#seen.push(`${key} ${inspect(value)}`)
  }

  event(name: string, _: bigint, attributes?: Record<string, unknown>): void {
    this.#seen.push(`${name} ${inspect(attributes)}`)
  }

  addLinks(): void {}
}

/**
 * Lets every kind of failure happen to a send and a read, and returns all that was to be seen. While typing,
 * each delivery has half of them.
 */
export const captureFailures = (
  simulator: DiscordSimulator.Service,
  hook: Webhook.Webhook,
  url: string,
  way: Way,
): Effect.Effect<ReadonlyArray<string>, never, Effect.Effect.Context<Webhook.Operation<unknown>>> =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    for (const fault of inTurns(faults(url), way.delivery === "ordered" ? 0 : 1, 2)) {
      const operations: ReadonlyArray<Webhook.Operation<unknown>> = [
        Webhook.send(hook, { content: "hello" }),
        Webhook.get(hook),
      ]
      for (const operation of operations) {
        yield* simulator.inject(fault, { times: Infinity })
        const exit = yield* within("2 hours", Effect.exit(operation)).pipe(
          Effect.provide(watcher(seen)),
        )
        yield* simulator.clearFaults
        seen.push(...formsOf(exit))
      }
    }
    seen.push(inspect(hook), JSON.stringify(hook), String(hook))
    return seen
  })

export const occurrences = (seen: ReadonlyArray<string>, secret: string): number =>
  seen.filter((text) => text.includes(secret)).length

function formsOf(exit: Exit.Exit<unknown, unknown>): ReadonlyArray<string> {
  if (Exit.isSuccess(exit)) return []
  const { cause } = exit
  const errors = Cause.prettyErrors(cause)
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return [
    Cause.pretty(cause, { renderErrorCause: true }),
    JSON.stringify(cause),
    String(error),
    JSON.stringify(error) ?? "",
    inspect(error, { depth: 10, showHidden: true }),
    inspect(cause, { depth: 10 }),
    ...errors.map((one) => `${one.message} ${one.stack ?? ""} ${inspect(one.span)}`),
  ]
}

function watcher(seen: Array<string>) {
  const logger = Logger.make(({ annotations, cause, message, spans }) => {
    seen.push(inspect([message, Cause.pretty(cause), [...annotations], [...spans]], { depth: 10 }))
  })
  const tracer = Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind, options) => {
      const span = new WatchedSpan(name, parent, context, links, startTime, kind, seen)
      for (const [key, value] of Object.entries(options?.attributes ?? {})) {
        span.attribute(key, value)
      }
      return span
    },
  })
  return Layer.mergeAll(
    Logger.replace(Logger.defaultLogger, logger),
    Layer.scopedDiscard(Effect.locallyScoped(FiberRef.currentMinimumLogLevel, LogLevel.All)),
    Layer.setTracer(tracer),
  )
}
