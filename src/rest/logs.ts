/**
 * What is logged of a request: a debug line for each attempt, a warning for each limit, repetition
 * and dead webhook, all with the same annotations. A healthy request says nothing above debug.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import { Graveyard } from "../ratelimit/internal/graveyard.js"
import type { Permit } from "../ratelimit/Permit.js"
import type { Kind } from "../ratelimit/Route.js"
import { names } from "./attributes.js"
import type { Ending } from "./ending.js"
import type { Journey, Step } from "./nextStep.js"

type Annotations = Readonly<Record<string, string | number | boolean | undefined>>

/** Tells the log what came of an attempt. */
export function report(
  permit: Permit,
  journey: Journey,
  end: Ending<unknown>,
  step: Step<unknown>,
): Effect.Effect<void> {
  return Effect.withFiberRuntime((fiber) => {
    const minimum = fiber.getFiberRef(FiberRef.currentMinimumLogLevel)
    const complaint = complaintOf(permit.route.kind, end, step)
    // Builds nothing unless somebody listens.
    const isQuiet = LogLevel.greaterThan(minimum, LogLevel.Debug)
    if (isQuiet && complaint === undefined) return Effect.void
    const about = annotations(permit, journey, end)
    const debug = isQuiet ? Effect.void : log(Effect.logDebug("Discord request"), about)
    if (complaint === undefined) return debug
    const { message, more } = complaint
    return Effect.zipRight(debug, log(Effect.logWarning(message), { ...about, ...more }))
  })
}

interface Complaint {
  readonly message: string
  readonly more?: Annotations
}

function complaintOf(kind: Kind, end: Ending<unknown>, step: Step<unknown>): Complaint | undefined {
  if (step._tag === "Limited" || step._tag === "GiveUp") {
    const { retryAfter, scope } = step.limited
    const more = { [names.scope]: scope, [names.retryAfter]: retryAfter }
    return { message: "Discord limits the rate", more }
  }
  if (step._tag === "Retry") return { message: `Trying again after a failure: ${step.reason}` }
  if (end.outcome._tag === "Answered" && Graveyard.isDeath(end.outcome.answer, kind)) {
    return kind === "interaction"
      ? { message: "The interaction's token has expired" }
      : { message: "The webhook is dead; stop using its URL" }
  }
  return undefined
}

function annotations(
  { route, waited }: Permit,
  journey: Journey,
  end: Ending<unknown>,
): Annotations {
  return {
    [names.route]: route.name,
    [names.webhookId]: route.webhookId,
    [names.attempt]: journey.attempts,
    [names.waited]: waited(),
    ...(end._tag === "Answered"
      ? {
          [names.status]: end.raw.status,
          [names.code]: end.said.code === 0 ? undefined : end.said.code,
          [names.bucket]: end.raw.headers.bucket,
          [names.remaining]: end.raw.headers.remaining,
        }
      : { [names.error]: end.failure.reason }),
  }
}

function log(line: Effect.Effect<void>, about: Annotations): Effect.Effect<void> {
  const given = Object.entries(about).filter(([, value]) => value !== undefined)
  return Effect.annotateLogs(line, Object.fromEntries(given))
}
